"""A morning on which everything broke: one message and not hundreds, and what follows is of each incident."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.quality.result_types import BatchResult
from incident_ledger.quality.results import record
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse
from openings import open_incident

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)  # after the quiet hours of P3
MINUTE = timedelta(minutes=1)


def tick(place: Warehouse, minutes: float) -> list[str]:
    """The subjects of the mails that a tick sends."""
    folder = place.settings.local_path / "outbox"
    before = set(folder.glob("*.eml"))
    Job(place, NOW + minutes * MINUTE, command="tick").tick(wait=0)
    mails = [message_from_bytes(path.read_bytes(), policy=SMTP) for path in set(folder.glob("*.eml")) - before]
    return sorted(str(mail["Subject"]) for mail in mails)


def statuses(place: Warehouse) -> dict[str, int]:
    rows: list[dict[str, Any]] = place.rows(
        f"select status, count(*) as messages from {place.raw('notifications')} group by status"
    )
    return {row["status"]: row["messages"] for row in rows}


def test_a_hundred_incidents_at_once_are_one_message_and_the_p0_its_own(place: Warehouse) -> None:
    for number in range(99):
        open_incident(place, f"k{number}", NOW, severity="P3")
    open_incident(place, "worst", NOW, severity="P0")
    subjects = tick(place, 1)
    assert subjects == ["[INCIDENT-P0] worst", "[INCIDENT-P3] 99 messages of 99 incidents at once"]
    assert statuses(place) == {"sent": 2, "digested": 99}
    assert tick(place, 2) == []
    (first,) = [each for each in read_state(place) if each.source_key == "k0"]
    resolved = Event(
        incident_id=first.incident_id,
        event_type=EventType.RESOLVED,
        occurred_at=NOW + 3 * MINUTE,
        actor="ann",
        source=first.source,
        source_key=first.source_key,
    )
    append(place, [resolved], resolved.occurred_at)
    assert "[INCIDENT-P3] Resolved: k0" in tick(place, 30)


def test_a_thousand_incidents_are_written_by_one_merge_as_ten_are(place: Warehouse, sent: list[str]) -> None:
    for number, count in enumerate((10, 1000)):
        at = NOW + number * 5 * MINUTE
        breaches = [breach(f"t{count}_{each}") for each in range(count)]
        record(place, breaches, f"run-{count}", at)
        sent.clear()
        subjects = tick(place, 5 * number + 1)
        merges = [sql for sql in sent if sql.startswith("merge") and "incident_events" in sql.partition("using")[0]]
        assert len(merges) == 2, count  # what the planner writes, and what was sent
        assert len(subjects) == (10 if count == 10 else 1)
    assert subjects == ["[INCIDENT-P2] 1000 messages of 1000 incidents at once"]
    assert len(read_state(place)) == 1010


def breach(table: str) -> BatchResult:
    """A check that found 10 % of a table's records in breach."""
    return BatchResult(
        table=f"shop.{table}",
        suite=f"{table}.json",
        owner=None,
        day=None,
        examined=100,
        rules=(),
        severity_level="P2",
        worst_rule_id="given",
        check_severity_level=None,
        title=f"given is missing: 10 % in {table}",
        value=0.1,
        threshold="from 5 to 20 %",
    )


def test_a_digest_of_what_quiet_hours_hold_waits_for_their_end(place: Warehouse) -> None:
    for number in range(60):
        open_incident(place, f"k{number}", NOW - 8 * 60 * MINUTE, severity="P3")
    assert tick(place, -8 * 60 + 1) == []
    assert statuses(place) == {"pending": 1, "digested": 60}
    assert "[INCIDENT-P3] 60 messages of 60 incidents at once" in tick(place, -60)  # 08:00 in Los Angeles
