"""Events go in once, whole, and to the byte."""

import json
from datetime import UTC, datetime
from multiprocessing.queues import Queue

import pytest

from incident_ledger.encoding import canonical
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import Event, recorded_since
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from ledger.factories import T0, after, event
from warm import FORKS

# What ends a string literal in one language or another.
NASTY = (
    "line one\nline two\r\n'single' \"double\" '''three''' \"\"\"three\"\"\" ``` C:\\new\\table \\u0041 \\ {{ 7*7 }} "
    "{% raw %} -- @event ; drop table x /* */ # ? <b>&amp;</b> 🚨 é e\u0301 \u2028 \x7f"
)


def test_events_are_written_once_however_often_they_are_appended(ledger: Warehouse) -> None:
    events = [event("detected"), event(minutes=1, text="x"), event(minutes=1, text="x")]
    assert append(ledger, events, T0) == 2
    assert append(ledger, events, after(60)) == 0
    recorded = read_events(ledger, incident_ids=[events[0].incident_id])
    assert [item.event for item in recorded] == events[:2]
    assert {item.recorded_at for item in recorded} == {T0}


def test_events_are_looked_for_from_a_day_before_they_happened(ledger: Warehouse) -> None:
    """A clock behind by less than a day doubles nothing; by more, the table has an event twice, its readers once."""
    events = [event("detected", minutes=0), event("resolved", minutes=10)]
    assert append(ledger, events, after(-23 * 60)) == 2
    assert append(ledger, events, after(60)) == 0
    late = [event("note", minutes=3 * 24 * 60, text="x")]
    assert append(ledger, late, after(0)) == append(ledger, late, after(3 * 24 * 60)) == 1
    (state,) = read_state(ledger)
    assert state.event_count == 3
    assert len(read_events(ledger, incident_ids=[state.incident_id])) == 3


def test_events_of_incidents_are_read_from_a_day_before_the_first_detection() -> None:
    first, second = "INC-20260302T090000Z-00000000", "INC-20260303T090000Z-00000000"
    assert recorded_since([second, first]) == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert recorded_since([first, "of another kind"]) == recorded_since([]) == datetime(1969, 12, 31, tzinfo=UTC)


def test_nothing_to_append_is_nothing_sent(ledger: Warehouse) -> None:
    assert append(ledger, [], T0) == 0


def test_doubled_event_in_the_table_counts_once_in_the_state(ledger: Warehouse) -> None:
    """BigQuery may let two MERGEs that only insert run at once, and both insert."""
    append(ledger, [event("detected"), event("resolved", 10), event("reopened", 20)], T0)
    table = ledger.raw("incident_events")
    assert ledger.execute(f"insert into {table} select * from {table}") == 3
    (state,) = read_state(ledger)
    assert (state.event_count, state.reopen_count) == (3, 1)
    assert state.reopened_gap_microseconds == 600_000_000
    assert len(read_events(ledger, incident_ids=[state.incident_id])) == 3


@pytest.mark.parametrize("max_bytes", [10_000_000, 10], ids=["as a parameter", "by a load job"])
def test_text_that_ends_the_string_comes_back_to_the_byte(ledger: Warehouse, max_bytes: int) -> None:
    events = [event("detected", title=NASTY, evidence={"error": NASTY}), event("note", 1, text=NASTY, key="k")]
    assert append(ledger, events, T0, max_bytes=max_bytes) == 2
    (state,) = read_state(ledger)
    assert state.title.encode() == NASTY.encode()
    assert state.evidence == {"error": NASTY}
    assert [item.event for item in read_events(ledger, incident_ids=[state.incident_id])] == events


def test_text_comes_back_by_sql_to_the_byte(ledger: Warehouse) -> None:
    append(ledger, [event("detected", title=NASTY)], T0)
    (row,) = ledger.rows(f"select title from {ledger.mart('incident_state')}")
    assert row["title"].encode() == NASTY.encode()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["NUL", "half a surrogate pair"])
def test_what_no_warehouse_keeps_is_refused_by_name_and_nothing_is_written(ledger: Warehouse, text: str) -> None:
    with pytest.raises(UserError, match=r"note of INC-.*payload\.text: a text holds.*(NUL|surrogate)"):
        append(ledger, [event("detected"), event(text=text)], T0)
    assert read_state(ledger) == []


def test_a_backslash_that_only_looks_like_a_nul_is_kept(ledger: Warehouse) -> None:
    append(ledger, [event("detected", title="\\u0000")], T0)
    assert read_state(ledger)[0].title == "\\u0000"


def test_batch_over_the_limit_is_loaded_beside_and_leaves_no_table(ledger: Warehouse) -> None:
    events = [event("detected"), *(event(minutes=number, text="x" * 2000) for number in range(1, 200))]
    assert append(ledger, events, T0, max_bytes=100_000) == 200
    assert append(ledger, events, T0, max_bytes=100_000) == 0
    names = [table.table_id for table in ledger.client.list_tables(ledger.settings.raw_dataset)]
    assert not [name for name in names if name.startswith("batch_")]


def test_text_that_grows_on_the_wire_counts_as_large_as_it_gets(
    ledger: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these is one character here and twelve bytes in the request."""
    sent: list[int] = []
    execute = ledger.execute

    def noted(sql: str, params: dict[str, object]) -> int:
        sent.append(len(json.dumps(params, default=str)))
        return execute(sql, params)

    monkeypatch.setattr(ledger, "execute", noted)
    append(ledger, [event("detected", title="🚨" * 1000)], T0, max_bytes=8_000)
    assert max(sent) < 8_000


def _append(settings: Settings, written: "Queue[int]") -> None:
    written.put(append(connect(settings), _fifty(), T0))


def _fifty() -> list[Event]:
    return [event("detected"), *(event(minutes=number, text=str(number)) for number in range(1, 50))]


def test_eight_processes_that_append_the_same_events_write_each_once(ledger: Warehouse) -> None:
    events, queue = _fifty(), FORKS.Queue()
    processes = [FORKS.Process(target=_append, args=(ledger.settings, queue)) for _ in range(8)]
    for process in processes:
        process.start()
    written = [queue.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert sum(written) == 50
    rows = ledger.rows(f"select event_id from {ledger.raw('incident_events')}")
    assert sorted(row["event_id"] for row in rows) == sorted(item.event_id for item in events)


def test_payload_is_one_text_however_it_was_written() -> None:
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
