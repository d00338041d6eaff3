"""In which order messages are sent, and which of them together. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from incident_ledger.notify.messages import first_message_id
from incident_ledger.notify.undelivered import Undelivered


def batches(rows: Sequence[Undelivered], ranks: Mapping[str, int], size: int) -> list[list[Undelivered]]:
    """Batches of at most `size` messages (on a channel each), in the order in which they are to be sent.

    Incidents come by the worst severity of what is owed of them (`ranks`, 0 is the worst), so that no beginning waits
    behind its own rise; the messages of one keep their order. The worst severity shares no batch with another: nothing
    is waited for before it is out. What may have been sent already is the only one of its channel in its batch, so that
    a run that dies again leaves in doubt only the one that it was sending.
    """
    lowest = len(ranks)
    worst: dict[str, int] = {}
    for row in rows:
        rank = ranks.get(row.severity_level or "", lowest)
        worst[row.incident_id] = min(rank, worst.get(row.incident_id, rank))
    first = min(worst.values(), default=lowest)
    ordered = sorted(rows, key=lambda row: (worst[row.incident_id], *_turn(row)))
    found: list[list[Undelivered]] = []
    for row in ordered:
        is_new = not found or len(found[-1]) == size or _is_in_doubt(row, found[-1])
        if is_new or (worst[found[-1][0].incident_id] == first) != (worst[row.incident_id] == first):
            found.append([])
        found[-1].append(row)
    return found


def _turn(row: Undelivered) -> tuple[datetime, str, bool, bool, str, str]:
    """Oldest first; of one time and incident the beginning first and the end last."""
    return (
        row.created_at,
        row.incident_id,
        row.message_id != first_message_id(row.incident_id),
        row.template == "resolution",
        row.message_id,
        row.channel,
    )


def _is_in_doubt(row: Undelivered, batch: Sequence[Undelivered]) -> bool:
    """Whether this or another of its channel may have been sent already."""
    of_channel = [each for each in batch if each.channel == row.channel]
    return any("uncertain" in (row.status, each.status) for each in of_channel)
