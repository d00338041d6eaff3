"""Many rejects cost as many statements as few, and more than a person looks through are a word on the file."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from importers.pages import incident
from incident_ledger.errors import UserError
from incident_ledger.importers import Document, Reject, protocol
from incident_ledger.importers.pipeline import take_in
from incident_ledger.importers.rejects import write_rejects
from incident_ledger.importers.replay import kept_rejects, replay
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.usage.ingest import read_batch
from incident_ledger.warehouse import Warehouse, connect
from relay import Relay

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def jobs_of(ledger: Warehouse, act: Callable[[Warehouse], object]) -> int:
    """How many jobs an act sends."""
    with Relay(str(ledger.endpoint)) as relay:
        through = connect(ledger.settings.model_copy(update={"api_endpoint": relay.endpoint}))
        act(through)
        through.close()
        sent = [request for request in relay.requests if request.method == "POST" and "/jobs" in request.path]
        return len(sent)


def rejects(count: int) -> list[Reject]:
    return [Reject("a.jsonl", line, "is not JSON", "x" * 100) for line in range(1, count + 1)]


def test_many_rejects_are_kept_by_as_many_jobs_as_few(ledger: Warehouse) -> None:
    few = jobs_of(ledger, lambda warehouse: write_rejects(warehouse, "statuspage", rejects(2), NOW, max_bytes=100))
    many = jobs_of(ledger, lambda warehouse: write_rejects(warehouse, "statuspage", rejects(2_000), NOW, max_bytes=100))
    assert few == many == 2, "one load job and one MERGE"
    direct = jobs_of(ledger, lambda warehouse: write_rejects(warehouse, "statuspage", rejects(2_001), NOW))
    assert direct == 1
    assert len(kept_rejects(ledger)) == 2_001


def test_many_rejects_are_taken_in_again_by_as_many_jobs_as_few(ledger: Warehouse) -> None:
    """As after a change of the importer: what was refused once can be read now."""
    records = [incident(f"r{number}") for number in range(42)]
    kept = [Reject("a.jsonl", line, "was refused", json.dumps(record)) for line, record in enumerate(records, 1)]
    write_rejects(ledger, "statuspage", kept, NOW)
    found = kept_rejects(ledger)
    counts = [
        jobs_of(ledger, lambda warehouse, part=part: replay(warehouse, part, NOW))  # type: ignore[misc]
        for part in (found[:2], found[2:])
    ]
    assert counts[0] == counts[1]
    assert kept_rejects(ledger) == []


def test_each_reject_says_what_it_brought(ledger: Warehouse) -> None:
    good, bad = json.dumps(incident("a")), json.dumps(incident("b", impact="huge"))
    write_rejects(ledger, "statuspage", [Reject("x", 1, "e", good), Reject("x", 2, "e", bad)], NOW)
    first, second = replay(ledger, kept_rejects(ledger), NOW)
    assert first.new_events > 0
    assert first.error is None
    assert "huge" in str(second.error)
    assert [reject.line for reject in kept_rejects(ledger)] == [2]


def test_more_rejects_than_a_person_looks_through_are_a_word_on_the_file(
    ledger: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_REJECTS", 20)
    lines = [json.dumps(incident("good")), *(["{}"] * 21)]
    document = Document("a.jsonl", "\n".join(lines).encode())
    with pytest.raises(
        UserError, match=r"a\.jsonl: more than 20 records are refused, the first: a\.jsonl:2: is neither"
    ):
        take_in(ledger, StatuspageImporter(), [document], NOW)
    with pytest.raises(UserError, match="more than 20 records are refused"):
        take_in(ledger, StatuspageImporter(), [replace(document, content=b"[" + b",".join([b"{}"] * 21) + b"]")], NOW)
    assert kept_rejects(ledger) == []
    assert ledger.rows(f"select 1 as n from {ledger.raw('incident_events')}") == []
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"usageEvents": [{}] * 21}))
    with pytest.raises(UserError, match=r"more than 20 records are refused, the first: .*usageEvents"):
        read_batch("cursor_events", [export], NOW)
    export.write_text('{"usageEvents": []}\n' + "x\n" * 21)
    with pytest.raises(UserError, match="more than 20 records are refused"):
        read_batch("cursor_events", [export], NOW)
