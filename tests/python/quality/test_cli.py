"""`incident-ledger quality` as a person and a script meet it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from incident_ledger.cli.quality import app
from incident_ledger.warehouse import Warehouse
from quality.helpers import broken_of, not_null, rule

KEYS = {"rule_id", "column", "examined", "failed", "failed_record_rate", "severity", "error"}


@pytest.fixture
def command(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `quality …` against the test's own warehouse; exit code and output."""
    monkeypatch.setattr("incident_ledger.cli.actions.quality.connect", lambda _settings: warehouse)

    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout

    return run


def suite_file(folder: Path, *rules: dict[str, Any], **meta: Any) -> str:
    path = folder / "mine.json"
    path.write_text(json.dumps({"name": "mine", "meta": meta, "expectations": list(rules)}), encoding="utf-8")
    return str(path)


def test_a_table_is_checked_by_hand_as_json(command: Any, warehouse: Warehouse, tmp_path: Path) -> None:
    table = f"{warehouse.settings.dataset}.{broken_of(warehouse, 't', 3316, 15179)}"
    code, text = command("check", "--table", table, "--suite", suite_file(tmp_path, not_null("amount")), "--json")
    (found,) = json.loads(text)
    assert code == 0  # the check did its work
    assert (found["table"], found["severity"], found["failed_validation_rate"]) == (table, "P1", 1.0)
    (rule,) = found["rules"]
    assert rule.keys() >= KEYS
    assert {key: rule[key] for key in KEYS} == {
        "rule_id": "amount_given",
        "column": "amount",
        "examined": 15179,
        "failed": 3316,
        "failed_record_rate": 3316 / 15179,
        "severity": "P1",
        "error": None,
    }


def test_a_p2_exits_0_and_shows_enough_digits(command: Any, warehouse: Warehouse, tmp_path: Path) -> None:
    table = f"{warehouse.settings.dataset}.{broken_of(warehouse, 't', 9999, 200000)}"
    suite = suite_file(tmp_path, not_null("amount"), table=table)
    code, text = command("check", "--suite", suite, "--fail-on", "P1")
    assert code == 0
    assert "4.9995 %" in text
    assert "9,999 of 200,000" in text


def test_a_share_of_few_rules_is_explained_where_it_decides_nothing(
    command: Any, warehouse: Warehouse, tmp_path: Path
) -> None:
    """60 % of five rules fail and the table is P2, not P1, as one record of ten is; of 20 rules 60 % decide."""
    table = f"{warehouse.settings.dataset}.{broken_of(warehouse, 't', 1, 10)}"
    words = ", which counts from 20 rules on: the severity is that of the worst rule"

    def shown(rules: int) -> str:
        broken = [not_null("amount", f"amount_{n}") for n in range(rules * 3 // 5)]
        sound = [rule("expect_table_row_count_to_be_between", f"rows_{n}", min_value=1) for n in range(rules * 2 // 5)]
        code, text = command("check", "--table", table, "--suite", suite_file(tmp_path, *broken, *sound))
        assert code == 0
        return str(text.splitlines()[0])

    assert shown(5) == f"{table}: P2, failed validation rate 60 % (3 of 5 rules){words}"
    assert shown(20) == f"{table}: P1, failed validation rate 60 % (12 of 20 rules)"


@pytest.mark.parametrize(("fail_on", "expected"), [("P0", 0), ("P1", 1), ("P2", 1)])
def test_a_check_that_could_not_run_says_why_and_is_an_alarm_for_who_asks(
    fail_on: str, expected: int, command: Any, warehouse: Warehouse, tmp_path: Path
) -> None:
    suite = suite_file(tmp_path, not_null("amount"))
    code, text = command("check", "--table", "nowhere.at_all", "--suite", suite, "--fail-on", fail_on)
    assert code == expected
    assert "There is no table nowhere.at_all" in text
    assert "nowhere.at_all: not checked, P1 for the check itself, no rule ran" in text
    table = f"{warehouse.settings.dataset}.{broken_of(warehouse, 't', 0, 10)}"
    code, text = command("check", "--table", table, "--suite", suite_file(tmp_path), "--json")
    assert (code, json.loads(text)[0]["check_severity"]) == (0, "P1")


def test_by_hand_writes_nothing_without_record(command: Any, warehouse: Warehouse, tmp_path: Path) -> None:
    table = f"{warehouse.settings.dataset}.{broken_of(warehouse, 't', 1, 10)}"
    arguments = ("check", "--table", table, "--suite", suite_file(tmp_path, not_null("amount")), "--json")
    count = f"select count(*) as n from {warehouse.raw('quality_batches')}"
    command(*arguments)
    assert warehouse.rows(count) == [{"n": 0}]
    command(*arguments, "--record")
    assert warehouse.rows(count) == [{"n": 1}]


def test_a_suite_that_is_not_there_is_the_users_to_fix(command: Any, tmp_path: Path) -> None:
    from incident_ledger.errors import UserError

    with pytest.raises(UserError, match="There is no suite"):
        command("check", "--table", "a.b", "--suite", str(tmp_path / "none.json"))
    with pytest.raises(UserError, match="names no table"):
        command("check", "--suite", suite_file(tmp_path, not_null("amount")))
    with pytest.raises(UserError, match="No suite for"):
        command("check", "--table", "a.b")
