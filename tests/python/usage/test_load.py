"""`load usage`: what is landed, what is refused, and what the days' completeness is."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from incident_ledger.errors import UserError
from incident_ledger.importers.usage import REPORTS, load_usage
from incident_ledger.importers.usage.ingest import read_batch
from incident_ledger.importers.usage.record_writer import Landed, land
from usage.answers import bucket, code, cost, event, events, page, usage
from usage.conftest import START, Place

DOCUMENTED = {
    "api_admin_usage_report_retrieve_messages.1.json": ("anthropic_usage", 1),
    "api_admin_analytics_usage_list.1.json": ("anthropic_usage", 1),
    "api_admin_cost_report_retrieve.1.json": ("anthropic_cost", 1),
    "api_admin_usage_report_retrieve_claude_code.1.json": ("claude_code", 1),
    "filtered-usage-events.response.json": ("cursor_events", 3),
    "daily-usage-data.response.json": ("cursor_daily", 2),
    "spend.response.json": ("cursor_spend", 2),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_answer_loads_once(name: str, place: Place, shared_data: Path) -> None:
    source, records = DOCUMENTED[name]
    path = shared_data / "usage_api" / name
    first = load_usage(place.warehouse, source, [path], loaded_at=START)
    again = load_usage(place.warehouse, source, [path], loaded_at=START.replace(hour=1))
    assert (first.records, first.new, first.rejects) == (records, records, ())
    assert (again.records, again.new) == (records, 0)


def test_the_newer_cost_shape_loads_when_its_amounts_are_amounts(
    place: Place, shared_data: Path, tmp_path: Path
) -> None:
    """The documentation has the word "amount" where an amount stands; as it is, it is refused by name."""
    path = shared_data / "usage_api" / "api_admin_analytics_cost_list.1.json"
    refused = load_usage(place.warehouse, "anthropic_cost", [path], loaded_at=START)
    assert [(reject.field, reject.error) for reject in refused.rejects] == [
        ("data[0].results[0].amount", "is 'amount', not an amount in cents")
    ]
    body = json.loads(path.read_text())
    body["data"][0]["results"][0]["amount"] = "123.78912"
    (tmp_path / "cost.json").write_text(json.dumps(body, indent=2))
    assert load_usage(place.warehouse, "anthropic_cost", [tmp_path / "cost.json"], loaded_at=START).new == 1


def test_what_the_vendor_corrects_replaces_and_a_correction_taken_back_too(place: Place) -> None:
    for cents in (5.0, 7.0, 7.0, 5.0):
        place.load("cursor_events", events(event("2021-01-01T10:00:00Z", cents=cents)))
    (row,) = place.staged("stg_cursor__events", "usage_date = '2021-01-01'")
    assert row["cost_usd"] == Decimal("0.05")
    raw = place.warehouse.raw("usage_records")
    assert place.warehouse.rows(f"select count(*) as n from {raw} where day = '2021-01-01'") == [{"n": 3}]


def test_an_older_export_that_comes_late_does_not_replace_a_newer(place: Place) -> None:
    def send(amount: str, exported: int) -> int:
        body = page(bucket("2022-01-01", cost(amount)))
        return place.load("anthropic_cost", body, exported_at=datetime(2026, 5, exported, tzinfo=UTC)).new

    assert [send("300", 3), send("100", 1), send("100", 1), send("300", 3)] == [1, 1, 0, 0]
    assert [str(row["cost_usd"]) for row in place.staged("stg_anthropic__costs", "usage_date = '2022-01-01'")] == [
        "3.000000000"
    ]


def test_the_answers_own_time_says_which_export_is_newer(place: Place) -> None:
    for amount, refreshed in (("300", "2026-05-03T00:00:00Z"), ("100", "2026-05-01T00:00:00Z")):
        place.load("anthropic_cost", page(bucket("2022-02-01", cost(amount)), data_refreshed_at=refreshed))
    (row,) = place.staged("stg_anthropic__costs", "usage_date = '2022-02-01'")
    assert row["cost_usd"] == 3


def test_a_bucket_grouped_otherwise_replaces_the_bucket(place: Place) -> None:
    place.load("anthropic_cost", page(bucket("2023-01-01", cost("300", None))))
    place.load("anthropic_cost", page(bucket("2023-01-01", cost("100", "opus"), cost("200", "sonnet"))))
    rows = place.staged("stg_anthropic__costs", "usage_date = '2023-01-01'")
    assert sorted((row["model"], row["cost_usd"]) for row in rows) == [("opus", 1), ("sonnet", 2)]


def test_parts_of_a_bucket_in_one_load_are_united(place: Place) -> None:
    parts = [page(bucket("2023-02-01", cost(amount, workspace_id=name))) for name, amount in (("a", "1"), ("b", "2"))]
    place.load("anthropic_cost", *parts, parts[0])
    rows = place.staged("stg_anthropic__costs", "usage_date = '2023-02-01'")
    assert sorted(row["workspace_id"] for row in rows) == ["a", "b"]


def test_a_day_by_the_hour_and_whole_counts_once(place: Place) -> None:
    hours = [
        {
            "starting_at": f"2023-03-01T{hour:02}:00:00Z",
            "ending_at": f"2023-03-01T{hour:02}:59:59Z",
            "results": [usage(output_tokens=2)],
        }
        for hour in range(3)
    ]
    place.load("anthropic_usage", page(*hours))
    place.load("anthropic_usage", page(bucket("2023-03-01", usage(output_tokens=6))))
    rows = place.staged("stg_anthropic__usage", "usage_date = '2023-03-01'")
    assert [row["output_tokens"] for row in rows] == [6]


def test_a_key_part_that_is_null_is_a_value(place: Place) -> None:
    nobody = event("2024-01-01T10:00:00Z", None)
    report = place.load("cursor_events", events(nobody, event("2024-01-01T10:00:00Z"), nobody))
    assert (report.records, report.new) == (2, 2)
    assert place.load("cursor_events", events(nobody)).new == 0


def test_two_records_whose_names_are_missing_are_two(place: Place) -> None:
    """One page has both; the same page again, and a record that it has twice, add nothing."""
    first, second = code("2024-02-01", "x", 1, 1), code("2024-02-01", "x", 2, 2)
    first["actor"] = second["actor"] = {"type": "user_actor"}
    report = place.load("claude_code", page(first, second, first), page(first, second))
    assert (report.records, report.new) == (2, 2)
    assert place.load("claude_code", page(first, second)).new == 0


def test_one_bad_record_costs_only_itself(place: Place) -> None:
    good, bad = usage("K", output_tokens=1), usage("L", output_tokens="many")
    report = place.load("anthropic_usage", page(bucket("2025-01-01", good, bad)), "not an answer", name="one_bad.jsonl")
    assert [(reject.line, reject.field, reject.error) for reject in report.rejects] == [
        (2, None, "is a text, not a JSON object"),
        (1, "data[0].results[1].output_tokens", "is 'many', not a whole number"),
    ]
    assert report.new == 1
    place.load("anthropic_usage", page(bucket("2025-01-01", good, bad)), "not an answer", name="one_bad.jsonl")
    kept = place.warehouse.rows(
        f"select line, field from {place.warehouse.raw('import_rejects')} where file like '%one_bad%' order by line"
    )
    assert kept == [{"line": 1, "field": "data[0].results[1].output_tokens"}, {"line": 2, "field": None}]


@pytest.mark.parametrize(
    ("source", "answer", "field", "error"),
    [
        ("anthropic_cost", page(bucket("2026-01-01", cost("12,50"))), "data[0].results[0].amount", "not an amount"),
        ("anthropic_cost", page(bucket("2026-01-01", cost("1", currency="EUR"))), "data[0].results[0].currency", "USD"),
        (
            "anthropic_usage",
            page(bucket("2026-01-01", cost("1"), usage(output_tokens=1))),
            "data[0].results[0]",
            "is not a record of anthropic_usage",
        ),
        ("anthropic_usage", page(bucket("2026-01-01", usage(model=5))), "data[0].results[0].model", "not text"),
        ("anthropic_usage", page({"results": []}), "data[0].starting_at", "is missing"),
        (
            "anthropic_usage",
            page({"starting_at": "2026-01-01T00:00:00", "ending_at": "2026-01-01T01:00:00Z", "results": []}),
            "data[0].starting_at",
            "has no time zone",
        ),
        ("claude_code", page({**code("2026-01-01", "a", 1, 1), "actor": "a"}), "data[0].actor", "not an object"),
        ("claude_code", page({**code("2026-01-01", "a", 1, 1), "date": "yesterday"}), "data[0].date", "not a time"),
        ("cursor_events", events({"timestamp": "soon", "model": "m"}), "usageEvents[0].timestamp", "not a time"),
        ("cursor_events", events({"timestamp": "1", "model": "m"}), "usageEvents[0].timestamp", "not a time"),
        ("cursor_daily", {"data": [{"date": 1710720000000}]}, "data[0]", "is not a record of cursor_daily"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(
    source: str, answer: Any, field: str, error: str, place: Place
) -> None:
    report = place.load(source, answer)
    assert [reject.field for reject in report.rejects] == [field]
    assert error in report.rejects[0].error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ('{"data": [', "malformed JSON: Expecting value at line 1, column 11"),
        ("[]", "is a list, not a JSON object"),
        ('{"data": [], "x": NaN}', "x: NaN is not a number of JSON"),
        ('{"x": "\\u0000"}', "NUL"),
        ('{"type": "error", "error": {"message": "invalid x-api-key"}}', "invalid x-api-key"),
        ('{"usageEvents": []}', "looks like --source cursor_events"),
    ],
)
def test_a_file_without_an_answer_is_an_error_of_its_own(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read_batch("anthropic_usage", [path], START)
    assert str(path) in str(caught.value)


ANSWERS = {
    "anthropic_usage": page(bucket("2026-01-01", usage(output_tokens=1))),
    "anthropic_cost": page(bucket("2026-01-01", {**cost("1"), "requests": 7})),
    "claude_code": page(code("2026-01-01", "a", 1, 1)),
    "cursor_events": events(event("2026-01-01T10:00:00Z")),
    "cursor_daily": {"data": [{"date": 1710720000000, "composerRequests": 1}]},
    "cursor_spend": {"subscriptionCycleStart": 1710720000000, "teamMemberSpend": [{"email": "a", "spendCents": 1}]},
}


@pytest.mark.parametrize(("given", "is_of"), [(a, b) for a in ANSWERS for b in ANSWERS])
def test_an_answer_of_another_report_is_refused_with_its_name(given: str, is_of: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ANSWERS[is_of]))
    if given == is_of:
        assert len(read_batch(given, [path], START).records) == 1
        return
    with pytest.raises(UserError, match=f"is not a response of {given}; it looks like --source {is_of}"):
        read_batch(given, [path], START)


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="anthropic_usage, anthropic_cost, claude_code"):
        read_batch("openai", [tmp_path / "none.json"], START)


def test_a_load_that_died_after_its_records_is_completed_by_loading_again(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "died.json"
    path.write_text(json.dumps(page(bucket("2027-01-01", usage("K")))))
    batch = read_batch("anthropic_usage", [path], START)
    land(place.warehouse, REPORTS["anthropic_usage"], batch, START)
    loads = place.warehouse.raw("usage_loads")
    place.warehouse.execute(f"delete from {loads} where day = '2027-01-01'")
    assert load_usage(place.warehouse, "anthropic_usage", [path], loaded_at=START.replace(hour=5)).new == 0
    assert place.warehouse.rows(f"select records, loaded_at from {loads} where day = '2027-01-01'") == [
        {"records": 1, "loaded_at": START}
    ]


def test_a_load_too_large_for_one_request_lands_the_same(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps(page(*(bucket(f"2028-01-{day:02}", usage("K")) for day in range(1, 21)))))
    batch = read_batch("anthropic_usage", [path], START)
    assert land(place.warehouse, REPORTS["anthropic_usage"], batch, START, max_bytes=1000) == Landed(new=20)
    assert land(place.warehouse, REPORTS["anthropic_usage"], batch, START) == Landed(new=0)
    loads = place.warehouse.raw("usage_loads")
    touched = place.warehouse.rows(
        f"select count(*) as n, min(day) as first from {loads} where day between '2028-01-01' and '2028-01-31'"
    )
    assert touched == [{"n": 20, "first": date(2028, 1, 1)}]
