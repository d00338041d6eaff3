"""The generated exports: reproducible, in the real shapes, agreeing with themselves, broken where they should be."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from incident_ledger.demo.usage import PRICES, FaultRates, generate
from incident_ledger.importers.usage.ingest import read_batch

END = date(2026, 3, 1)
LOADED = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    one, two = (generate(tmp_path / name, seed=7, end_day=END, days=35) for name in ("one", "two"))
    assert [path.read_bytes() for files in one.values() for path in files] == [
        path.read_bytes() for files in two.values() for path in files
    ]
    other = generate(tmp_path / "other", seed=8, end_day=END, days=35)
    assert other["claude_code"][0].read_bytes() != one["claude_code"][0].read_bytes()


def test_everything_generated_loads_without_a_reject_and_is_complete(tmp_path: Path) -> None:
    for source, files in generate(tmp_path, seed=7, end_day=END).items():
        batch = read_batch(source, files, LOADED)
        assert (batch.rejects, batch.incomplete_days) == ([], set())
        days = {record.day for record in batch.records.values()}
        late = timedelta(days=2 if source == "cursor_events" else 0)
        assert (min(days), max(days), len(days)) == (date(2025, 12, 2), END - late, 90 - late.days)


def test_what_is_planted_is_on_the_last_day_alone(tmp_path: Path) -> None:
    files = generate(tmp_path, seed=7, end_day=END)
    nameless = [
        record["date"][:10]
        for line in files["claude_code"][0].read_text().splitlines()
        for record in json.loads(line)["data"]
        if "email_address" not in record["actor"]
    ]
    assert nameless == ["2026-03-01"] * 3  # of 10
    without = [
        (bucket["starting_at"][:10], len(bucket["results"]))
        for path in files["anthropic_usage"]
        for bucket in json.loads(path.read_text())["data"]
        for result in bucket["results"]
        if "output_tokens" not in result
    ]
    assert without == [("2026-03-01", 16)] * 2


def test_the_cost_report_is_the_usage_report_at_list_price(tmp_path: Path) -> None:
    files = generate(tmp_path, seed=7, end_day=END, days=3, rates=FaultRates(usage_without_output=0))
    cents: dict[str, Decimal] = {}
    for bucket in json.loads(files["anthropic_usage"][0].read_text())["data"]:
        for result in bucket["results"]:
            counts = (
                result["uncached_input_tokens"],
                result["cache_creation"]["ephemeral_5m_input_tokens"],
                result["cache_read_input_tokens"],
                result["output_tokens"],
            )
            dollars = sum(
                Decimal(count) * Decimal(price) / 1_000_000
                for count, price in zip(counts, PRICES[result["model"]], strict=True)
            )
            cents[bucket["starting_at"]] = cents.get(bucket["starting_at"], Decimal(0)) + dollars * 100
    billed = {
        bucket["starting_at"]: sum(Decimal(result["amount"]) for result in bucket["results"])
        for bucket in json.loads(files["anthropic_cost"][0].read_text())["data"]
    }
    assert billed == cents
