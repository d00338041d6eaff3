"""`rejects replay` of a usage export: only a corrected file, whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from incident_ledger.cli._app import app
from incident_ledger.errors import UserError
from incident_ledger.warehouse import Warehouse
from usage.answers import ApiResponse, bucket, code, cost, event, events, page

Run = Callable[..., Result]
WRONG: ApiResponse = code("2026-03-01", "ann@example.com", 100, 1) | {"is_remote": "no"}
RIGHT: ApiResponse = WRONG | {"is_remote": False}
BOB = code("2026-03-01", "bob@example.com", 7, 1)


@pytest.fixture
def run(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line on fresh datasets."""
    for module in ("load", "rejects"):
        monkeypatch.setattr(f"incident_ledger.cli.actions.{module}.load_settings", lambda: warehouse.settings)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def refused(run: Run, tmp_path: Path) -> str:
    """The id of a reject: Ann's record, of an export that has Bob's too."""
    result = run("load", "usage", "--source", "claude_code", written(tmp_path / "export.json", page(WRONG, BOB)))
    assert result.exit_code == 5
    (reject,) = listed(run)
    return str(reject["reject_id"])


def written(path: Path, answer: Any) -> Path:
    path.write_text(answer if isinstance(answer, str) else json.dumps(answer))
    return path


def listed(run: Run, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("rejects", "list", "--json", *more).stdout)
    return found


def landed(warehouse: Warehouse) -> list[str]:
    """Whose records are there, in order."""
    name = "json_value(record, '$.actor.email_address')"
    rows = warehouse.rows(f"select {name} as who from {warehouse.raw('usage_records')} order by who")
    return [row["who"] for row in rows]


@pytest.mark.parametrize("is_named", [True, False])
def test_without_a_file_it_is_refused_and_nothing_is_marked(is_named: bool, run: Run, refused: str) -> None:
    result = run("rejects", "replay", *([refused[:8]] if is_named else []))
    assert (result.exit_code, result.stdout) == (
        5,
        f"{refused[:12]}  still refused: give the corrected export: --file FILE\n",
    )
    assert [reject["reject_id"] for reject in listed(run)] == [refused]


def test_a_corrected_file_is_taken_in_and_its_reject_marked(
    run: Run, refused: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    result = run("rejects", "replay", refused, "--file", written(tmp_path / "fixed.json", page(RIGHT, BOB)))
    assert (result.exit_code, result.stdout) == (0, f"{refused[:12]}  taken in, 0 new events, 1 new usage records\n")
    assert landed(warehouse) == ["ann@example.com", "bob@example.com"]
    assert listed(run) == []
    (kept,) = listed(run, "--all")
    assert kept["reject_id"] == refused
    assert kept["replayed_at"] is not None


def test_the_record_alone_corrected_is_taken_in(run: Run, refused: str, warehouse: Warehouse, tmp_path: Path) -> None:
    record = json.loads(run("rejects", "show", refused, "--json").stdout)["record"]
    corrected = written(tmp_path / "record.json", json.loads(record) | {"is_remote": False})
    assert run("rejects", "replay", refused, "--file", corrected).exit_code == 0
    assert landed(warehouse) == ["ann@example.com", "bob@example.com"]


STILL_WRONG: dict[str, tuple[Any, str]] = {
    "wrong as before": (page(WRONG, BOB), "data[0].is_remote: is 'no', not true or false"),
    "wrong elsewhere": (page(RIGHT, BOB | {"date": "soon"}), "data[1].date: is 'soon', which is not a time"),
    "a line that is none": (json.dumps(page(RIGHT)) + "\n{", "malformed JSON: Expecting property name"),
    "nothing in it": (page(), "holds no record"),
    "records of nothing known": ({"data": [{"date": 1767225600000, "lines": 7}]}, "is not a record of claude_code"),
}


@pytest.mark.parametrize("name", STILL_WRONG)
def test_a_file_that_is_still_wrong_is_refused_whole_and_listed_once(
    name: str, run: Run, refused: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    answer, reason = STILL_WRONG[name]
    result = run("rejects", "replay", refused, "--file", written(tmp_path / "fixed.json", answer))
    assert result.exit_code == 5
    assert f"{refused[:12]}  still refused: " in result.stdout
    assert reason in result.stdout
    assert [reject["reject_id"] for reject in listed(run, "--all")] == [refused]
    assert listed(run)
    assert landed(warehouse) == ["bob@example.com"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (events(event("2026-03-01T10:00:00Z")), "looks like --source cursor_events"),
        ({"data": [{"date": 1767225600000, "isActive": True}]}, "looks like --source cursor_daily"),
        ("{", "malformed JSON"),
        ("", "is empty"),
        (None, "there is no such file"),
    ],
)
def test_a_file_that_is_no_export_of_the_report_is_the_users_mistake(
    answer: Any, reason: str, run: Run, refused: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    if answer is not None:
        written(path, answer)
    result = run("rejects", "replay", refused, "--file", path)
    assert isinstance(result.exception, UserError)  # exit code 2
    assert reason in str(result.exception)
    assert [reject["reject_id"] for reject in listed(run)] == [refused]


def test_what_was_corrected_by_hand_replaces_nothing_that_came_since(
    run: Run, refused: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    """The refused export has 7 of Bob, the next one 8; then the first is taken in after all."""
    newer = written(tmp_path / "newer.json", page(code("2026-03-01", "bob@example.com", 8, 1)))
    assert run("load", "usage", "--source", "claude_code", newer).exit_code == 0
    corrected = written(tmp_path / "fixed.json", page(RIGHT, BOB))
    assert run("rejects", "replay", refused, "--file", corrected).exit_code == 0
    assert landed(warehouse) == ["ann@example.com", "bob@example.com", "bob@example.com"]
    newest = warehouse.rows(
        f"select json_value(record, '$.model_breakdown[0].tokens.output') as tokens "
        f"from {warehouse.raw('usage_records')} where record like '%bob@%' order by exported_at desc, loaded_at desc"
    )
    assert [row["tokens"] for row in newest] == ["8", "7"]


def test_a_bucket_alone_is_refused_since_it_would_replace_the_whole_one(run: Run, tmp_path: Path) -> None:
    whole = [cost("100", "opus"), cost("1,5", "sonnet")]
    export = written(tmp_path / "cost.json", page(bucket("2026-03-01", *whole)))
    run("load", "usage", "--source", "anthropic_cost", export)
    (reject,) = listed(run)
    alone = json.loads(reject["record"]) | {"results": [cost("1.5", "sonnet")]}
    result = run("rejects", "replay", reject["reject_id"], "--file", written(tmp_path / "alone.json", alone))
    assert result.exit_code == 5
    assert "give the whole corrected export" in result.stdout
    corrected = written(tmp_path / "fixed.json", page(bucket("2026-03-01", cost("100", "opus"), cost("1.5", "sonnet"))))
    assert run("rejects", "replay", reject["reject_id"], "--file", corrected).exit_code == 0
    assert listed(run) == []
