"""`incident-ledger policy check` and `show`, as a person meets them; and the limits that the code asks for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.errors import ExitCode
from incident_ledger.policy import Policy

from .conftest import SEEDS, Spoil

SOURCES = SEEDS.parents[1] / "scripts" / "incident_ledger"


def test_check_of_good_files_says_how_many_there_are() -> None:
    result = CliRunner().invoke(app, ["policy", "check", str(SEEDS)], catch_exceptions=False)
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith("ok: 26 tables with ")


def test_check_of_bad_files_names_file_and_line_and_ends_with_2(seeds: Path, change: Spoil) -> None:
    change("quality_thresholds", "failed_record_rate,P1,20,false", "failed_record_rate,P1,15,false")
    change("response_rules", "P1,15,", "P1,soon,")
    command = [sys.executable, "-m", "incident_ledger", "policy", "check", "policy"]
    environment = {"PYTHONPATH": str(SOURCES.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=seeds.parent, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == ExitCode.USER
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "error: The policy cannot be used:"
    assert lines[1].startswith("  policy/response_rules.csv:3: response_minutes: 'soon' is no number; write it as")
    assert lines[2].startswith("  policy/quality_thresholds.csv:3: lower_percent: overlaps the band of")
    assert len(lines) == 3


def test_show_of_a_table_that_is_none_names_those_there_are() -> None:
    result = CliRunner().invoke(app, ["policy", "show", "severity"])
    assert result.exception is not None
    assert "No policy table 'severity'; there are severities, response_rules" in str(result.exception)


@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_show_breaks_no_text_where_it_is_not_a_terminal(width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    result = CliRunner().invoke(app, ["policy", "show", "escalation_matrix", "--files"], catch_exceptions=False)
    assert "│ 15-30 minutes        │ Management notification (P0/P1) │" in result.stdout


def test_every_limit_of_the_policy_is_asked_for_and_every_one_that_is_asked_for_is_there(policy: Policy) -> None:
    code = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    there = {row["limit_name"] for row in policy.rows("runtime_limits")}
    assert {name for name in there if f'"{name}"' not in code} == set()
    assert set(re.findall(r'\.limit\(\s*"(\w+)"', code)) <= there
    sql = "\n".join(path.read_text() for path in (SOURCES.parents[1] / "models").rglob("*.sql"))
    asked = set(re.findall(r"limit_name = '(\w+)'", sql))
    for names in re.findall(r"valid_limits\(ref\('runtime_limits'\), \[([^\]]*)\]", sql):
        asked |= set(re.findall(r"\w+", names))
    slow_runs = {"slow_run_deviations", "slow_run_percent", "slow_run_baseline_runs"}
    volumes = {
        "volume_due_hours",
        "volume_deviations",
        "volume_people",
        "cost_factor",
        "cost_compared_usd",
        "cost_baseline_days",
    }
    volumes |= {"shrunk_percent", "shrunk_tokens", "log_silence_factor", "log_silences_unusual"}
    assert asked == {"update_requests", "recurrence_window_days", *slow_runs, *volumes}
    assert asked <= there
