"""A usage export: what one record has that cannot be kept is one reject, and the others are landed."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from incident_ledger.importers.usage.extraction import Batch
from incident_ledger.importers.usage.ingest import read_batch
from usage.answers import bucket, code, cost, event, events, page, usage

AT = datetime(2026, 6, 1, tzinfo=UTC)
EVENT = event("2026-01-01T10:00:00Z")
DEEP = "[" * 100_000 + "]" * 100_000
UNKEPT = {
    "1e400": "1e400 is too large a number",
    "9" * 5000: "a number has 5000 digits",
    "NaN": "NaN is not a number of JSON",
    '"\\u0000"': "the character NUL",
    '"\\ud83d"': "half a character",
    '{"k": 1, "k": 2}': "the key 'k' twice",
    "[" * 400 + "]" * 400: "nested more than 100 deep",
    DEEP: "nested more than 100 deep",
}


def read(source: str, content: str | bytes, folder: Path) -> Batch:
    path = folder / "export.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_batch(source, [path], AT)


def with_hole(answer: Any) -> str:
    """As JSON, its text "HOLE" without quotes."""
    return json.dumps(answer).replace('"HOLE"', "HOLE")


@pytest.mark.parametrize("unkept", UNKEPT, ids=[reason[-20:] for reason in UNKEPT.values()])
@pytest.mark.parametrize("in_lines", [False, True], ids=["one answer", "lines"])
def test_what_cannot_be_kept_costs_one_record(unkept: str, in_lines: bool, tmp_path: Path) -> None:
    records = [event("2026-01-01T10:00:00Z"), event("2026-01-01T11:00:00Z"), event("2026-01-01T12:00:00Z")]
    records[1]["unknown"] = "HOLE"
    answers = [events(record) for record in records] if in_lines else [events(*records)]
    batch = read("cursor_events", "\n".join(map(with_hole, answers)).replace("HOLE", unkept), tmp_path)
    assert len(batch.records) == 2
    (reject,) = batch.rejects
    assert UNKEPT[unkept] in reject.error
    line, index = (2, 0) if in_lines else (1, 1)
    assert reject.line == line
    assert str(reject.field).startswith(f"usageEvents[{index}].unknown")
    assert "2026-01-01" in reject.record or "timestamp" in reject.record


@pytest.mark.parametrize("unkept", UNKEPT, ids=[reason[-20:] for reason in UNKEPT.values()])
def test_of_a_bucket_it_costs_one_result(unkept: str, tmp_path: Path) -> None:
    answer = page(bucket("2026-01-01", usage("a"), usage("b", extra="HOLE")), bucket("2026-01-02", usage("c")))
    batch = read("anthropic_usage", with_hole(answer).replace("HOLE", unkept), tmp_path)
    assert [len(record.body["results"]) for record in batch.records.values()] == [1, 1]
    (reject,) = batch.rejects
    assert str(reject.field).startswith("data[0].results[1].extra")


@pytest.mark.parametrize("unkept", UNKEPT, ids=[reason[-20:] for reason in UNKEPT.values()])
def test_around_the_records_it_costs_the_answer(unkept: str, tmp_path: Path) -> None:
    """Whether there is more, and whose export it is, stand there."""
    answers = [page(bucket("2026-01-01", cost("1")), extra="HOLE"), page(bucket("2026-01-02", cost("1")))]
    batch = read("anthropic_cost", "\n".join(map(with_hole, answers)).replace("HOLE", unkept), tmp_path)
    assert [record.day.day for record in batch.records.values()] == [2]
    (reject,) = batch.rejects
    assert reject.line == 1
    assert reject.error.startswith("cannot be kept: extra")


def test_a_line_that_is_no_utf8_is_one_reject(tmp_path: Path) -> None:
    good = json.dumps(events(event("2026-01-01T10:00:00Z"))).encode()
    batch = read("cursor_events", good + b'\n{"usageEvents": ["\xff"]}\n', tmp_path)
    assert len(batch.records) == 1
    (reject,) = batch.rejects
    assert (reject.line, reject.error) == (2, "malformed JSON: byte 0xff is not UTF-8 at column 19")
    assert "\\xff" in reject.record


@pytest.mark.parametrize(
    ("source", "record", "field"),
    [
        ("claude_code", code("2026-01-01", "a", 1, 1) | {"date": "0001-01-01T00:00:00+14:00"}, "data[0].date"),
        ("claude_code", code("2026-01-01", "a", 1, 1) | {"date": "9999-12-31T23:59:59-14:00"}, "data[0].date"),
        ("claude_code", code("2026-01-01", "a", 1, 1) | {"date": 10**30}, "data[0].date"),
        ("cursor_events", EVENT | {"timestamp": "9" * 30}, "usageEvents[0].timestamp"),
        ("cursor_events", EVENT | {"timestamp": "9" * 9999}, "usageEvents[0].timestamp"),
        ("cursor_events", EVENT | {"cursorTokenFee": "1e9999999"}, "usageEvents[0].cursorTokenFee"),
        ("cursor_events", EVENT | {"cursorTokenFee": "1" * 9999}, "usageEvents[0].cursorTokenFee"),
    ],
    ids=lambda value: str(value)[-30:],
)  # fmt: skip
def test_values_beyond_every_calendar_and_column_are_one_reject(
    source: str, record: Any, field: str, tmp_path: Path
) -> None:
    answer = page(record) if source == "claude_code" else events(record)
    batch = read(source, json.dumps(answer), tmp_path)
    assert not batch.records
    assert [reject.field for reject in batch.rejects] == [field]
    assert len(batch.rejects[0].error) < 200


@pytest.mark.parametrize(
    ("source", "record", "field"),
    [
        ("cursor_events", EVENT | {"timestamp": 1710720000000.5}, "timestamp"),
        ("cursor_events", EVENT | {"timestamp": "2026-01-01T10:00:00Z"}, "timestamp"),
        ("cursor_events", EVENT | {"timestamp": "١٧١٠٧٢٠٠٠٠٠٠٠"}, "timestamp"),
        ("cursor_events", EVENT | {"cursorTokenFee": "1_000"}, "cursorTokenFee"),
        ("anthropic_usage", bucket("2026-01-01", usage()) | {"starting_at": "2026-W01-4T00:00:00Z"}, "starting_at"),
        ("anthropic_usage", bucket("2026-01-01", usage()) | {"ending_at": 1767312000000}, "ending_at"),
    ],
    ids=lambda value: str(value)[-30:],
)  # fmt: skip
def test_what_python_alone_reads_is_refused_so_that_no_cast_of_a_model_fails(
    source: str, record: Any, field: str, tmp_path: Path
) -> None:
    answer = events(record) if source == "cursor_events" else page(record)
    batch = read(source, json.dumps(answer), tmp_path)
    assert not batch.records
    assert [str(reject.field).rpartition(".")[2] for reject in batch.rejects] == [field]


def test_many_records_of_one_key_are_counted_and_not_compared_with_each_other(tmp_path: Path) -> None:
    """Each is looked up by its text: with a comparison of each with each, 20,000 would take minutes."""
    nameless = [code("2026-01-01", "x", number, 1) | {"actor": {"type": "user_actor"}} for number in range(2_000)]
    assert len(read("claude_code", json.dumps(page(*nameless)), tmp_path).records) == 2_000
    parts = [page(bucket("2026-01-01", usage(str(number)))) for number in range(500)]
    (record,) = read("anthropic_usage", "\n".join(map(json.dumps, parts)), tmp_path).records.values()
    assert len(record.body["results"]) == 500
