"""The examples of schedulers are what these read, and their lines do what they say."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import PROJECT_DIR
from incident_ledger.errors import ExitCode

FOLDER = PROJECT_DIR / "scripts" / "schedule"
COMMAND = Path(sys.executable).with_name("incident-ledger")
HERE = "/srv/incident-ledger"
COMMANDS = {"run", "tick", "probe"}


def commands(text: str) -> set[str]:
    return set(re.findall(r"\.venv/bin/incident-ledger (\w+)", text))


def cron_lines() -> list[str]:
    lines = (FOLDER / "crontab").read_text().splitlines()
    return [line for line in lines if not re.match(r"#|\w+=|$", line)]


@pytest.mark.parametrize("line", cron_lines())
def test_a_line_of_the_crontab_runs_in_the_bare_environment_of_cron(line: str, tmp_path: Path) -> None:
    *times, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"\*(/\d+)?", time) for time in times)
    assert "%" not in command  # a line's end, for cron
    shutil.copy(FOLDER / "incident-ledger.env", tmp_path / "env")
    command = command.replace(f"cd {HERE}", f"cd {PROJECT_DIR}").replace(
        "/etc/incident-ledger.env", str(tmp_path / "env")
    )
    command = command.replace(".venv/bin/incident-ledger", str(COMMAND)).replace("--json >/dev/null", "--help")
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert f"incident-ledger {commands(line).pop()} [OPTIONS]" in done.stdout


def test_every_scheduler_calls_all_commands_where_it_can() -> None:
    assert commands((FOLDER / "crontab").read_text()) == COMMANDS
    assert commands((FOLDER / "github_actions.yml").read_text()) == {"run"}
    units = "".join(path.read_text() for path in FOLDER.glob("*.timer"))
    assert set(re.findall(r"Unit=incident-ledger@(\w+)\.service", units)) == COMMANDS


def test_the_service_of_watch_is_started_again_unless_a_setting_is_wrong() -> None:
    unit = (FOLDER / "incident-ledger-watch.service").read_text()
    assert commands(unit) == {"watch"}
    settings = dict(line.split("=", 1) for line in unit.splitlines() if re.match(r"\w+=", line))
    assert (settings["Restart"], settings["RestartPreventExitStatus"]) == ("on-failure", str(int(ExitCode.USER)))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for path in FOLDER.glob("incident-ledger*.*"):
        text = path.read_text().replace(f"{HERE}/.venv/bin/incident-ledger", str(COMMAND))
        (tmp_path / path.name).write_text(text.replace("User=incident-ledger\n", ""))
    units = ["incident-ledger@run.service", "incident-ledger-run.timer", "incident-ledger-tick.timer"]
    units += ["incident-ledger-probe.timer", "incident-ledger-watch.service"]
    shutil.copy(tmp_path / "incident-ledger@.service", tmp_path / units[0])
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "incident-ledger" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_dag_is_python_and_skips_where_another_run_is_at_work() -> None:
    tree = ast.parse((FOLDER / "airflow_dag.py").read_text())
    (operator,) = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "BashOperator"
    ]
    arguments = {keyword.arg: ast.unparse(keyword.value) for keyword in operator.keywords}
    assert arguments["skip_on_exit_code"] == "4"
    assert "incident-ledger {command}" in arguments["bash_command"]


def test_the_workflow_is_one_that_is_scheduled() -> None:
    workflow = yaml.safe_load((FOLDER / "github_actions.yml").read_text())
    assert workflow["on"]["schedule"] == [{"cron": "*/15 * * * *"}]
    assert workflow["jobs"]["run"]["steps"][-1] == {"run": ".venv/bin/incident-ledger run"}
