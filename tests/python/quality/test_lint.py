"""What suites say that nobody knows is named with the nearest known; a first suite is one that passes."""

import json
from pathlib import Path
from typing import Any

import pytest

from incident_ledger.errors import UserError
from incident_ledger.policy import Policy
from incident_ledger.quality.first_suite import first_suite
from incident_ledger.quality.lint import remarks
from incident_ledger.quality.suites import load_suite
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Column
from quality.helpers import check, make_table, not_null, suite_from, suite_of

OWNERS = ("engineering_lead", "finance_team")


def test_an_unknown_key_owner_or_dimension_is_named_with_the_nearest_known() -> None:
    odd = not_null("amount", "odd")
    odd["meta"] |= {"owner": "fiance_team", "dimension": "completness", "dimention": "x", "notes": "of GX"}
    suite = suite_of(odd, table="t", day_colum="day", owner="nobody", changes={"tabel": "x"})
    assert remarks(suite, OWNERS) == [
        "trial.json: meta has the key 'day_colum', which nobody reads; did you mean 'day_column'?",
        "trial.json: meta.changes has the key 'tabel', which nobody reads; did you mean 'table'?",
        "trial.json: owner 'nobody' is not known: engineering_lead, finance_team are",
        "trial.json: odd: meta has the key 'dimention', which nobody reads; did you mean 'dimension'?",
        "trial.json: odd: owner 'fiance_team' is not known; did you mean 'finance_team'?",
        "trial.json: odd: dimension 'completness' is not known; did you mean 'completeness'?",
    ]
    assert remarks(suite_of(not_null("amount"), table="t", owner="data team")) == []


def test_shipped_suites_say_nothing_that_nobody_knows(policy: Policy) -> None:
    for file in sorted(Path("tests/gx").glob("*.json")):
        assert remarks(load_suite(file), list(policy.contacts)) == []


def test_a_first_suite_has_a_rule_for_keys_required_columns_types_volume_and_freshness() -> None:
    columns = [
        Column("event_id", "STRING", "REQUIRED"),
        Column("user_key", "STRING"),
        Column("amount", "NUMERIC"),
        Column("tags", "STRING", "REPEATED"),
        Column("place", "RECORD"),
        Column("loaded_at", "TIMESTAMP"),
        Column("event_date", "DATE"),
    ]
    suite = first_suite("ops.events", columns, owner="finance_team")
    ids = [rule["meta"]["rule_id"] for rule in suite["expectations"]]
    assert ids == [
        "event_id_is_given",
        "user_key_is_given",
        "event_id_is_unique",
        *(f"{name}_has_its_type" for name in ("event_id", "user_key", "amount", "loaded_at", "event_date")),
        "has_records",
        "is_on_time",
    ]
    assert suite["meta"] == {"table": "ops.events", "owner": "finance_team", "day_column": "event_date"}
    loaded = suite_from(suite)
    assert [rule.error for rule in loaded.rules if rule.error] == []
    assert remarks(loaded, OWNERS) == []
    plain = first_suite("ops.plain", [Column("n", "INT64")], owner="finance_team")
    assert [rule["meta"]["rule_id"] for rule in plain["expectations"]] == ["n_has_its_type", "has_records"]


def test_a_first_suite_passes_on_its_own_table(bare: Warehouse, policy: Policy) -> None:
    kinds = {
        "id": "1", "name": "'x'", "n": "numeric '1.5'", "f": "1.5", "is_on": "true", "day": "date '2026-03-10'",
        "seen_at": "timestamp '2026-03-10 08:00:00+00'", "local_at": "datetime '2026-03-10 08:00:00'", "b": "b'x'",
        "parts": "[1]", "place": "struct(1 as x)",
    }  # fmt: skip
    make_table(bare, "kinds", f"select {', '.join(f'{value} as {name}' for name, value in kinds.items())}")
    columns = bare.table_columns(bare.settings.dataset, "kinds")
    (batch,) = check(bare, policy, "kinds", suite_from(first_suite("kinds", columns, owner="finance_team")))
    assert [(rule.rule_id, rule.error) for rule in batch.rules if rule.success is not True] == []


@pytest.fixture
def command(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs `quality …` against the test's own warehouse, with a folder of suites of its own."""
    from typer.testing import CliRunner

    from incident_ledger.cli.quality import app

    settings = warehouse.settings.model_copy(update={"suites": str(tmp_path)})
    for module in ("quality", "suites"):
        action = f"incident_ledger.cli.actions.{module}"
        monkeypatch.setattr(f"{action}.load_settings", lambda: settings)
        monkeypatch.setattr(f"{action}.connect", lambda _: Warehouse(warehouse.client, settings))

    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_a_first_suite_is_written_once_and_passes_lint(command: Any, warehouse: Warehouse, tmp_path: Path) -> None:
    make_table(warehouse, "t", "select 1 as id, date '2026-03-10' as day")
    code, text = command("new", "t")
    file = tmp_path / "t.json"
    assert (code, str(file) in text) == (0, True)
    assert json.loads(file.read_text())["meta"] == {"table": "t", "owner": "engineering_lead", "day_column": "day"}
    assert command("lint")[0] == 0
    file.write_text("mine")
    with pytest.raises(UserError, match="is there already"):
        command("new", "t")
    assert file.read_text() == "mine"
    assert command("new", "t", "--force")[0] == 0
    assert command("new", "t", "--file", str(tmp_path / "other.json"), "--owner", "finance_team")[0] == 0
    with pytest.raises(UserError, match="did you mean 'finance_team'"):
        command("new", "t", "--force", "--owner", "finance_taem")
    with pytest.raises(UserError, match="There is no table"):
        command("new", "nowhere.at_all")


def test_lint_names_each_fault_with_its_file_and_exits_2(command: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no suite"):
        command("lint")
    (tmp_path / "a.json").write_text("[[[")
    (tmp_path / "b.json").write_text(
        json.dumps({"meta": {"table": "t", "onwer": "x"}, "expectations": [{"type": "expect_x", "kwargs": {}}]})
    )
    code, text = command("lint")
    assert code == 2
    assert "a.json is not a suite" in text
    assert "there is no expectation 'expect_x'" in text
    assert "did you mean 'owner'" in text
    (tmp_path / "a.json").unlink()
    assert "a.json" not in command("lint", str(tmp_path / "b.json"))[1]


def test_a_check_without_any_suite_says_what_to_do(command: Any) -> None:
    with pytest.raises(UserError, match=r"no suite in .*: `incident-ledger quality new DATASET.TABLE` writes a first"):
        command("check")
