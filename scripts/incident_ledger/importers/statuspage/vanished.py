"""What a page does not list any more: deleted there, or only left out by this listing. Pure.

A page lists its newest, by creation or by resolution with the open ones first. What it has and what ranks before the
last that is listed must be listed, or it was deleted; what ranks after it slid out. A copy from which somebody took
something out looks the same, so a listing must be known to be full, and in doubt nothing is retracted:

- its length is the page's limit, or it lists all that is known of a page with fewer than that;
- it shows the order, by what it lists: where both fit, what vanished ranks before the last in both; and in neither
  order can all that is missing have slid out, should somebody have sorted the copy again;
- it lists something that is over (`unresolved.json` has the same keys), and nothing later is known of the page;
- no more vanished at once than the policy takes for a deletion.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from incident_ledger.importers.statuspage.documents import Listing
from incident_ledger.importers.statuspage.history import IncidentHistory

_NEVER = datetime.max.replace(tzinfo=UTC)
_SHOWN = 5
_VOUCH = "; if it leaves nothing out: import statuspage --complete"


@dataclass(frozen=True, kw_only=True)
class RetractionRule:
    """From when on what is not listed counts as deleted; by default never.

    `full_length`: incidents that a page lists at most. `most_at_once`: of more than these that vanish together, none is
    taken for deleted. `is_complete`: a person vouches that the listing leaves nothing out.
    """

    full_length: int = 0
    most_at_once: int = 0
    is_complete: bool = False


@dataclass(frozen=True, kw_only=True)
class Absent:
    """What was deleted, and a note on what is not listed and yet kept."""

    deleted: tuple[IncidentHistory, ...] = ()
    note: str | None = None


def absent(listing: Listing, histories: Iterable[IncidentHistory], rule: RetractionRule) -> Absent:
    """What is known of the listing's page and not listed; `histories` include what the listing itself shows."""
    known = [history for history in histories if history.page == listing.page and history.retracted is None]
    missing = [history for history in known if history.source_key not in listing.ids and history.seen_at <= listing.at]
    if not missing:
        return Absent()
    orders = _orders(listing)
    shown = [order for order in orders if order.fits]
    vanished = [history for history in missing if orders and all(order.must_list(history) for order in shown or orders)]
    slid_out = vanished and any(not any(map(order.must_list, missing)) for order in orders)
    certain = [
        (not listing.is_whole, "it is a part of what the page lists"),
        (not any(view.resolved_at for view in listing.views), "it lists nothing that is over"),
        (_is_outdated(listing, known, missing), "a later state of the page is known"),
    ]
    vouchable = [
        (not shown, "its order is neither that of creation nor that of resolution"),
        (not _is_full(listing, missing, vanished, rule), "it may be a part of what the page lists"),
        (len(listing.ids) == rule.full_length and slid_out, "it may be sorted again, and the rest have slid out"),
        (len(vanished) > rule.most_at_once, f"{len(vanished)} are missing at once, as in a filtered copy"),
    ]
    doubt = next((f"since {reason}" for holds, reason in certain if holds), None)
    if doubt is None and not rule.is_complete:
        doubt = next((f"since {reason}{_VOUCH}" for holds, reason in vouchable if holds), None)
    deleted = tuple(vanished) if doubt is None else ()
    gone = {history.source_key for history in vanished}
    kept = [
        history
        for history in missing
        if (history.source_key not in gone and history.is_open) or (doubt and history.source_key in gone)
    ]
    return Absent(deleted=deleted, note=_note(listing, kept, doubt))


@dataclass(frozen=True)
class _Order:
    """A listing in one order. `must_list`: whether it ranks before the last that is listed."""

    fits: bool
    must_list: Callable[[IncidentHistory], bool]


def _orders(listing: Listing) -> list[_Order]:
    """By creation, and by resolution with the open ones first; none of an empty listing."""
    created = [view.created_at for view in listing.views]
    ended = [view.resolved_at or _NEVER for view in listing.views]
    if not listing.views:
        return []
    return [
        _Order(_falls(created), lambda history: history.detected.occurred_at > min(created)),
        _Order(_falls(ended), lambda history: _open_until(history) > min(ended)),
    ]


def _falls(times: Sequence[datetime]) -> bool:
    return all(one >= next_one for one, next_one in pairwise(times))


def _open_until(history: IncidentHistory) -> datetime:
    """Its resolution by the page; else the last time at which it is known to have been open, for it may be over."""
    return history.resolved.occurred_at if history.resolved else max(history.seen_at, history.updated_at)


def _is_outdated(listing: Listing, known: Sequence[IncidentHistory], missing: Sequence[IncidentHistory]) -> bool:
    """Whether something later is known of the page, or another listing of the same time that listed more."""
    shown = {view.key: view.updated_at for view in listing.views}
    changed = (history.updated_at for history in known if history.updated_at != shown.get(history.source_key))
    seen = (history.seen_at for history in known)
    return any(time > listing.at for time in (*changed, *seen)) or any(one.seen_at == listing.at for one in missing)


def _is_full(
    listing: Listing, missing: Sequence[IncidentHistory], vanished: Sequence[IncidentHistory], rule: RetractionRule
) -> bool:
    """Whether it is as long as the page lists, or reaches as far as all that is known of a page with less than that."""
    length = len(listing.ids)
    is_short_page = length + len(missing) < rule.full_length
    return length == rule.full_length or (is_short_page and len(vanished) == len(missing))


def _note(listing: Listing, kept: Sequence[IncidentHistory], doubt: str | None) -> str | None:
    """For a person: what this listing leaves out, and why nothing is retracted for that."""
    if not kept:
        return None
    named = [f"{history.incident_id} ({'open' if history.is_open else 'over'} here)" for history in kept[:_SHOWN]]
    more = f" and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
    why = f"nothing is retracted, {doubt}" if doubt else "it may have slid out of what the page lists"
    return f"{listing.file} does not list {', '.join(named)}{more}: {why}"
