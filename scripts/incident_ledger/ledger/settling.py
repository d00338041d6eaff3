"""Settling: what was over for longer than any window of the policy is kept as a row, and its events are read no more.

`incident_state` has the kept row of a settled incident, and folds the events of all others, which are current. These
are recorded since some Monday, a literal in the view `stg_ledger__current_incident_events`: of an older incident that
is not settled the events are copied, so that they are there again. The view says which Monday it is; a `dbt build` by
hand has none and folds all events, which is right and only dearer until the next run.

Nothing is lost in between, whoever dies when: first the new Monday is announced, as a label of `settled_incidents`,
then rows are kept and events copied, and then the view is built. Whoever writes an event of an older incident after
the announcement copies its other events first (`bring_back`), which makes it current. Whoever read the label just
before is found by `rescue`, after the view was built.
"""

# ruff: noqa: S608 -- names of tables and literal times are not parameters, and are our own; values are bound

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from incident_ledger.ledger.events import Event, detected_at, recorded_since
from incident_ledger.ledger.state import current_view, select_events
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal, merge_query
from incident_ledger.warehouse.tables import INCIDENT_EVENTS, SETTLED_INCIDENTS, names, read_label, write_label

VIEW = "stg_ledger__current_incident_events"
DETECTORS = ("quality", "recorded")
"""Where signals come from, as in `fct_signals`."""
LEAST_AGE = timedelta(days=7)
"""No incident is settled that was detected less long ago, so that most writers need not ask."""
_LABEL = "settled-before"
# As the model has it, or as the local warehouse writes the same.
_DAY = re.compile(r"recorded_at >= (?:timestamp |cast\()'(\d{4}-\d\d-\d\d)'", re.IGNORECASE)


def monday(at: datetime) -> datetime:
    """The beginning (UTC) of the week of a time."""
    day = at.astimezone(UTC).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), tzinfo=UTC)


def current_since(warehouse: Warehouse) -> datetime | None:
    """From when on current events are recorded, as the view has it; None when it reads all. Asks no table."""
    view = warehouse.find(warehouse.settings.staging_dataset, VIEW)
    found = _DAY.search((view.view_query or "") if view else "")
    return _day(found[1]) if found else None


def settle(warehouse: Warehouse, before: datetime, now: datetime) -> int:
    """Keep what is over and of which nothing was recorded since `before`, copy the events of all else; how many rows.

    The view still has the Monday before. May be repeated at any point.
    """
    write_label(warehouse, SETTLED_INCIDENTS, _LABEL, f"{before:%Y-%m-%d}")
    columns = names(SETTLED_INCIDENTS)
    current = current_view(warehouse)
    kept = f"""
        select {", ".join(columns)}
        from {current}
        where incident_id in ({_over(warehouse, before)})
    """
    settled = merge_query(warehouse, SETTLED_INCIDENTS, kept, columns=columns, updates="")
    # As they are kept: what became current meanwhile has more events, or is over and was not kept.
    others = f"""
        incident_id not in (
            select incidents.incident_id
            from {current} as incidents
            inner join {warehouse.raw(SETTLED_INCIDENTS.name)} as kept on incidents.incident_id = kept.incident_id
            where incidents.event_count = kept.event_count and incidents.incident_id in ({_over(warehouse, before)})
        )
    """
    last = current_since(warehouse)
    _copy(warehouse, f"{others} and {f'recorded_at >= {literal(last)}' if last else 'true'}", before, now)
    return settled


def rescue(warehouse: Warehouse, before: datetime, now: datetime) -> None:
    """Make current what got an event since `before` from somebody who did not know of that day."""
    torn = f"""
        incident_id in (
            select incident_id
            from {warehouse.raw(INCIDENT_EVENTS.name)}
            where recorded_at >= {literal(before)}
            group by incident_id
            having countif(event_type = 'detected') = 0
        )
    """
    _copy(warehouse, torn, before, now)


def bring_back(warehouse: Warehouse, events: Iterable[Event], recorded_at: datetime) -> datetime | None:
    """Before events of incidents are written that may be settled: make these current.

    From when on current events are recorded, where these may be recorded before; else None.
    """
    least = min(recorded_at, datetime.now(UTC)) - LEAST_AGE
    old = {event.incident_id for event in events if detected_at(event.incident_id) < least}
    if not old and recorded_at >= datetime.now(UTC) - LEAST_AGE:
        return None
    day = read_label(warehouse, SETTLED_INCIDENTS, _LABEL)
    if day is None:
        return None
    before = _day(day)
    if ids := sorted(each for each in old if detected_at(each) < before):
        where = "incident_id in unnest(@incident_ids) and recorded_at >= @since"
        _copy(warehouse, where, before, recorded_at, {"incident_ids": ids, "since": recorded_since(ids)})
    return before


def _over(warehouse: Warehouse, before: datetime) -> str:
    """The incidents that may be settled: over, without news, and with no part in what still goes on."""
    staging = warehouse.settings.staging_dataset
    current = current_view(warehouse)
    signals = " union all ".join(
        f"select source, source_key from {warehouse.name(staging, f'int_signals__{each}')} where ended_at is null"
        for each in DETECTORS
    )
    return f"""
        select ended.incident_id
        from {current} as ended
        left join (select distinct source, source_key from ({signals})) as going_on
            on ended.source = going_on.source and ended.source_key = going_on.source_key
        where
            not ended.is_open
            and ended.last_event_time < {literal(before)}
            and going_on.source is null
            and ended.incident_id not in (
                select incident_id from {warehouse.raw(INCIDENT_EVENTS.name)} where recorded_at >= {literal(before)}
            )
            and (
                ended.merged_into is null
                or ended.merged_into not in (select incident_id from {current} where is_open)
            )
    """


def _copy(
    warehouse: Warehouse, where: str, before: datetime, now: datetime, params: dict[str, object] | None = None
) -> None:
    """Copy events to now, but for those that are recorded since `before`, or copied."""
    columns = [name for name in names(INCIDENT_EVENTS) if name not in ("recorded_at", "first_recorded_at")]
    sql = f"""
        insert into {warehouse.raw(INCIDENT_EVENTS.name)} ({", ".join(columns)}, recorded_at, first_recorded_at)
        select {", ".join(columns)}, @now, recorded_at
        from ({select_events(warehouse, where)})
        where event_id not in (
            select event_id from {warehouse.raw(INCIDENT_EVENTS.name)} where recorded_at >= {literal(before)}
        )
    """
    warehouse.execute(sql, {**(params or {}), "now": max(now, before)})


def _day(text: str) -> datetime:
    return datetime.combine(datetime.fromisoformat(text).date(), time(), tzinfo=UTC)
