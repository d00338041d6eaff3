"""The command line as a process: terminals of any width, pipes that close, interrupts, encodings, odd times."""

import json
import math
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from interruptible import interruptible
from reused import Reused
from warm import command

COMMAND = (sys.executable, "-m", "incident_ledger")
WIDE_ROW = "select " + ", ".join(f"'{'x' * 20}' as a_column_of_some_length_{n}" for n in range(8))


@pytest.fixture(scope="module")
def environment(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands need to reach a ledger of these tests."""
    settings = reused.like_new(tmp_path_factory.mktemp("terminal")).settings
    names = ("api_endpoint", "local_dir", "dataset", "raw_dataset")
    ours = {f"INCIDENT_LEDGER_{name.upper()}": str(getattr(settings, name)) for name in names}
    return {**os.environ, **ours, "PYTHONPATH": str(PROJECT_DIR / "scripts")}


def run(environment: Mapping[str, str], *arguments: str | bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, cwd=PROJECT_DIR, capture_output=True, timeout=120, check=False
    )


def done(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What is no start of a command as a person starts it: what has to be there before."""
    return command(environment, PROJECT_DIR, *arguments)


def on_a_terminal(environment: Mapping[str, str], columns: int, *arguments: str) -> list[str]:
    """The lines that a terminal of so many columns shows."""
    ours, theirs = pty.openpty()
    environment = {**environment, "COLUMNS": str(columns), "LINES": "40", "TERM": "dumb"}  # no colours
    with subprocess.Popen(
        [*COMMAND, *arguments], env=environment, cwd=PROJECT_DIR, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        output = b""
        try:
            while part := os.read(ours, 65536):
                output += part
        except OSError:
            pass  # how a terminal ends on Linux
        finally:
            os.close(ours)
        process.wait(timeout=60)
    assert process.returncode == 0, output.decode()
    return output.decode().splitlines()


def test_rows_wider_than_the_terminal_are_shown_a_column_a_line(environment: Mapping[str, str]) -> None:
    lines = on_a_terminal(environment, 80, "sql", WIDE_ROW)
    assert [line.split() for line in lines if line.startswith("a_column")] == [
        [f"a_column_of_some_length_{n}", "x" * 20] for n in range(8)
    ]


def test_rows_that_fit_are_a_table(environment: Mapping[str, str]) -> None:
    assert [line.split() for line in on_a_terminal(environment, 80, "sql", "select 1 as a, 'b c' as d")][::2] == [
        ["a", "┃", "d"],
        ["1", "│", "b", "c"],
    ]


def test_a_pipe_gets_whole_rows_however_wide(environment: Mapping[str, str]) -> None:
    head, _, row = run(environment, "sql", WIDE_ROW).stdout.decode().splitlines()
    assert [text.strip() for text in head.split("┃")] == [f"a_column_of_some_length_{n}" for n in range(8)]
    assert row.count("x" * 20) == 8


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_an_incident_can_be_read_on_a_terminal_of_any_width(columns: int, environment: Mapping[str, str]) -> None:
    title = f"Costs of {columns} days are missing in the table of all usage"
    what = ("--severity", "P2", "--component", "table:ai_usage_prod.fct_usage_daily", "--at", "2026-03-02T09:00:00Z")
    identity = done(environment, "incident", "open", title, *what).stdout.split()[1]
    lines = on_a_terminal(environment, columns, "incident", "list", "--as-of", "2026-03-02T10:00:00Z")
    assert max(map(len, lines)) <= columns
    shown = " ".join(" ".join(lines).split())
    assert title in shown
    assert "table:ai_usage_prod.fct_usage_daily" in shown
    assert f"{identity} P2 investigating " in shown


def test_one_incident_fits_a_screen(environment: Mapping[str, str]) -> None:
    title = "Costs are missing in the table of all usage of all vendors since the beginning of the month"
    what = ("--severity", "P1", "--component", "table:ai_usage_prod.fct_usage_daily", "--description", "Costs " * 60)
    identity = done(environment, "incident", "open", title, *what).stdout.split()[1]
    for number in range(12):
        assert done(environment, "incident", "note", identity, f"{number} is what we know " * 9).returncode == 0
    lines = on_a_terminal(environment, 80, "incident", "show", identity)
    assert sum(math.ceil(max(len(line), 1) / 80) for line in lines) <= 40  # the terminal breaks what is to be copied
    assert any(line.startswith("Next: incident-ledger incident ack") for line in lines)


def shown_in(environment: Mapping[str, str], columns: int, *arguments: str) -> str:
    """What a terminal shows, its lines joined, when none is wider than it."""
    lines = on_a_terminal(environment, columns, *arguments)
    assert max(map(len, lines)) <= columns
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("columns", [60, 80])
def test_a_message_can_be_read_on_a_narrow_terminal(
    columns: int, environment: Mapping[str, str], tmp_path: Path
) -> None:
    title = f"Prices_of_{columns}_days_are_wrong in the_table_of_all_costs_of_all_vendors"
    assert done(environment, "incident", "open", title, "--severity", "P1").returncode == 0
    ours = environment | {"INCIDENT_LEDGER_CHANNELS": "", "INCIDENT_LEDGER_LOCAL_DIR": str(tmp_path)}
    assert done(ours, "tick").returncode == 0  # whatever is open
    assert [done(ours, "tick", "--fail-on", level).returncode for level in ("P0", "P1", "P7")] == [0, 1, 2]
    assert done(ours | {"INCIDENT_LEDGER_FAIL_ON": "P2"}, "tick").returncode == 1
    assert f"folder sent [INCIDENT-P1] {title}" in shown_in(ours, columns, "outbox", "list")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_check_can_be_read_on_a_narrow_terminal(columns: int, environment: Mapping[str, str], tmp_path: Path) -> None:
    table, column = (
        f"{environment['INCIDENT_LEDGER_DATASET']}.checked_{columns}",
        "a_column_with_a_long_name_of_its_own",
    )
    assert done(environment, "sql", f"create or replace table {table} as select 1 as {column}").returncode == 0
    kwargs, rule = {"column": column}, "the_column_with_a_long_name_is_given"
    rules = [{"type": "expect_column_values_to_not_be_null", "kwargs": kwargs, "meta": {"rule_id": rule}}]
    suite = tmp_path / "suite.json"
    suite.write_text(json.dumps({"name": "s", "meta": {}, "expectations": rules}))
    lines = on_a_terminal(environment, columns, "quality", "check", "--table", table, "--suite", str(suite))
    assert f"{rule} 0 of 1 0 % none {column}" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("columns", [60, 80])
def test_a_reject_can_be_read_on_a_narrow_terminal(
    columns: int, environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / f"export_{columns}.json"
    file.write_text(json.dumps({"data": [{"x": columns}]}))
    assert done(environment, "load", "usage", "--source", "anthropic_usage", str(file)).returncode == 5
    shown = shown_in(environment, columns, "rejects", "list").replace(" ", "")  # a path may be longer than a line
    assert f"export_{columns}.json:1data[0].starting_atismissing" in shown


def test_a_reader_that_leaves_is_no_alarm(environment: Mapping[str, str]) -> None:
    for arguments in (["sql", "--format", "csv", "select * from unnest(generate_array(1, 200000)) as n"], ["doctor"]):
        with subprocess.Popen(
            [*COMMAND, *arguments], env=environment, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            errors = process.stderr.read().decode()
            assert (process.wait(timeout=60), "Traceback" in errors, "BrokenPipe" in errors) == (0, False, False)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["tick", "--as-of", "2026-03-02T10:00:00Z"], 0), (["sql", "selec 1"], 2)]
)
def test_a_reader_that_leaves_before_any_output_is_no_alarm(
    arguments: list[str], code: int, environment: Mapping[str, str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [*COMMAND, *arguments], env=environment, cwd=PROJECT_DIR, stdout=writing, stderr=writing, timeout=120,
            check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert ended.returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["incident", "list"], ["incident", "list", "--json"]])
def test_a_full_disk_is_one_line_and_no_alarm(arguments: list[str], environment: Mapping[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments], env=environment, cwd=PROJECT_DIR, stdout=full, stderr=-1, timeout=120, check=False
        )
    assert (ended.returncode, ended.stderr) == (3, b"error: No space left on device\n")


def under_way(environment: Mapping[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    """A command that can be interrupted."""
    return subprocess.Popen(interruptible(*arguments), env=environment, cwd=PROJECT_DIR, stdin=-1, stdout=-1, stderr=-1)


def interrupt(process: "subprocess.Popen[bytes]") -> str:
    """Press Ctrl-C; what the process says on stderr until its end, which is soon."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=60)[1].decode()
    finally:
        process.kill()  # one that hangs fails its test, not the whole run


@pytest.mark.parametrize("after", [0.2, 0.5])
def test_an_interrupt_while_modules_load_ends_without_a_traceback(after: float, environment: Mapping[str, str]) -> None:
    with under_way(environment, "incident", "list") as process:
        time.sleep(after)
        errors = interrupt(process)
    assert process.returncode in (130, -signal.SIGINT)  # for a shell both are 130
    assert errors in ("stopped\n", "")


def test_an_interrupt_at_a_question_is_no_alarm(environment: Mapping[str, str], tmp_path: Path) -> None:
    local = {name: value for name, value in environment.items() if name != "INCIDENT_LEDGER_API_ENDPOINT"}
    with under_way(local | {"INCIDENT_LEDGER_LOCAL_DIR": str(tmp_path)}, "warehouse", "reset") as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"Delete"
        errors = interrupt(process)
    assert (process.returncode, errors) == (130, "stopped\n")


def test_an_interrupt_while_dbt_builds_is_no_fault_of_the_warehouse(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    local = environment | {"INCIDENT_LEDGER_LOCAL_DIR": str(tmp_path), "DBT_TARGET_PATH": str(tmp_path / "target")}
    with under_way(local, "run", "--as-of", "2026-03-02T09:00:00Z") as process:
        assert process.stderr is not None
        assert b"policy" in process.stderr.readline()
        time.sleep(1.5)  # dbt is building
        errors = interrupt(process)
    assert process.returncode in (130, -signal.SIGINT)  # for a shell both are 130
    assert "build" in errors
    assert "stopped" in errors
    assert "Traceback" not in errors
    assert "could not run" not in errors


def test_a_terminal_that_cannot_show_a_character_loses_only_that(environment: Mapping[str, str]) -> None:
    result = run(environment | {"PYTHONIOENCODING": "ascii"}, "sql", "select 'straße … 🚨' as x")
    assert (result.returncode, result.stderr) == (0, b"")
    assert rb"stra\xdfe \u2026 \U0001f6a8" in result.stdout


def test_an_argument_is_utf_8_whatever_the_locale(environment: Mapping[str, str]) -> None:
    plain = environment | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = run(plain, "sql", "--format", "csv", "select '🚨ü' as x".encode())
    assert result.stdout.decode() == "x\n🚨ü\n"
    refused = run(plain, "sql", b"select '\xff'")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"not UTF-8" in refused.stderr


@pytest.mark.parametrize(
    ("moment", "advice"),
    [
        ("0001-01-01T00:00:00+05:00", "outside of the years 1970 to 9998"),
        ("9999-12-31T23:59:59-05:00", "outside of the years 1970 to 9998"),
        ("1969-12-31T23:59:59Z", "outside of the years 1970 to 9998"),
        ("2026-03-01", "Write 2026-03-01T00:00:00Z if it is UTC"),
        ("tomorrow", "Write it as 2026-03-02T09:00:00Z"),
    ],
)
def test_a_time_that_is_none_is_refused_with_what_to_write(
    moment: str, advice: str, environment: Mapping[str, str]
) -> None:
    result = run(environment, "tick", "--as-of", moment)
    assert result.returncode == 2
    assert advice in result.stderr.decode()
