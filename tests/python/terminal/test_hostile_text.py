"""Text from outside never reaches a terminal as a control character, by whichever command it is shown."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from incident_ledger.cli import _app
from incident_ledger.cli._console import Console, Text, err, out, print_rows, visible
from incident_ledger.encoding import timestamp
from incident_ledger.warehouse import Warehouse
from notify.helpers import START, detected, enqueue

# Colours, a window's title, C1's CSI, a delete, directions turned and isolated, marks, a tag, a line of its own.
HOSTILE = "evil\x1b[31m\x1b]0;title\x07\x9b31m\x7f\u202egpj\u2066\u200e\u061c\U000e0041\u2028end"
FORBIDDEN = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x61C, 0xE0041, 0x2028)} - {"\n", "\t"}
FORBIDDEN |= set("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

Shown = Callable[..., str]


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a command shows on a terminal, on both streams."""
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(ledger.settings, name)))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")  # no colours and no cursor of ours

    def run(*arguments: str, code: int | None = 0) -> str:
        streams = Terminal(), Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            patch.setattr(sys, "argv", ["incident-ledger", *arguments])
            with pytest.raises(SystemExit) as end:
                _app.main()
        text = "".join(stream.getvalue() for stream in streams)
        assert code is None or end.value.code == code, text
        return text

    monkeypatch.setattr(_app, "show_logs", lambda: None)
    return run


def is_safe(text: str) -> bool:
    return not FORBIDDEN & set(text) and not any("\ud800" <= character <= "\udfff" for character in text)


@pytest.fixture
def hostile_file(tmp_path: Path) -> Path:
    path = tmp_path / f"{HOSTILE}.json"
    path.write_text("no json")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "usage", "--source", "anthropic_usage", "FILE"),
        ("import", "statuspage", "FILE"),
        ("import", "statuspage", "FILE.missing"),
        ("warehouse", "load", "FILE", "a.b"),
        ("warehouse", "load", "FILE.csv", "a.b"),
        ("warehouse", "load", "FILE", HOSTILE),
        ("quality", "check", "--table", "a.b", "--suite", "FILE"),
        ("quality", "check", "--table", "a.b", "--suite", "FILE.missing"),
        ("policy", "check", "FILE"),
        ("policy", "show", HOSTILE),
        ("rejects", "show", HOSTILE),
        ("rejects", "replay", HOSTILE),
        ("incident", "show", HOSTILE),
        ("incident", "open", "x", "--severity", HOSTILE),
        ("outbox", "list", "--status", HOSTILE),
        ("outbox", "show", HOSTILE),
        ("tick", "--as-of", HOSTILE),
        ("tick", "--fail-on", HOSTILE),
        ("sql", f"select `{HOSTILE}`"),
        ("sql", f"selec '{HOSTILE}'"),
        ("sql", "--format", HOSTILE, "select 1"),
        (f"--{HOSTILE}",),
        (HOSTILE,),
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "HOSTILE"),
)
def test_an_error_shows_what_was_given_as_escapes(arguments: tuple[str, ...], shown: Shown, hostile_file: Path) -> None:
    text = shown(*(each.replace("FILE", str(hostile_file)) for each in arguments), code=None)
    assert is_safe(text)
    assert "evil" in text


def test_what_people_say_of_an_incident_is_shown_as_escapes(shown: Shown) -> None:
    opened = shown("incident", "open", HOSTILE, "--severity", "P2", "--component", HOSTILE, "--actor", HOSTILE,
                   "--description", HOSTILE)  # fmt: skip
    incident = opened.split()[1]
    outputs = [opened, shown("incident", "note", incident, HOSTILE, "--actor", HOSTILE)]
    outputs += [shown("incident", "cause", incident, HOSTILE, code=2), shown("incident", "list")]
    outputs += [shown("incident", "cause", incident, "data", "--text", HOSTILE)]
    outputs += [shown("incident", "show", incident), shown("incident", "show", incident, "--json")]
    for text in outputs:
        assert is_safe(text)
        assert "evil" in text
    (note,) = [event for event in json.loads(outputs[-1])["events"] if event["event_type"] == "note"]
    assert note["payload"]["text"] == HOSTILE


def test_a_servers_reply_is_shown_as_escapes(shown: Shown, ledger: Warehouse) -> None:
    enqueue(ledger, [detected("P1", title=HOSTILE)], START)
    table = ledger.raw("notifications")
    ledger.execute(f"update {table} set status = 'failed', last_error = @e where true", {"e": HOSTILE})
    message = json.loads(shown("outbox", "list", "--json"))[0]
    assert message["last_error"] == HOSTILE
    for arguments in (("list",), ("show", message["message_id"]), ("list", "--json")):
        text = shown("outbox", *arguments)
        assert is_safe(text)
        assert "evil" in text


def test_a_refused_record_is_shown_as_escapes(shown: Shown, ledger: Warehouse) -> None:
    row = dict.fromkeys(("reject_id", "source", "file", "error", "field", "record"), HOSTILE)
    sql = f"""
        insert into {ledger.raw("import_rejects")} (reject_id, source, file, line, error, field, record, rejected_at)
        values (@reject_id, @source, @file, 1, @error, @field, @record, timestamp '{timestamp(START)}')
    """
    ledger.execute(sql, row)
    for arguments in (("list",), ("show", "evil"), ("list", "--json"), ("show", "evil", "--json")):
        assert is_safe(text := shown("rejects", *arguments))
        assert "evil" in text


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_rows_on_a_terminal_are_shown_as_escapes(form: str, shown: Shown) -> None:
    assert is_safe(text := shown("sql", "--format", form, f"select '{HOSTILE}' as x"))
    assert "evil\\u001b[31m" in text


def test_rows_into_a_pipe_keep_their_bytes(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "isatty", lambda _: False)
    sql = f"select '{HOSTILE}' as x"
    assert shown("sql", "--format", "csv", sql) == f"x\n{HOSTILE}\n"
    assert json.loads(shown("sql", "--format", "json", sql)) == [{"x": HOSTILE}]


def test_a_suites_names_are_shown_as_escapes(shown: Shown, ledger: Warehouse, tmp_path: Path) -> None:
    table = f"{ledger.settings.dataset}.hostile"
    ledger.execute(f"create or replace table {table} as select 1 as a")
    rules: list[dict[str, Any]] = [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}, "meta": {"rule_id": HOSTILE}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": HOSTILE}, "meta": {"rule_id": "b"}},
    ]
    file = tmp_path / "suite.json"
    file.write_text(json.dumps({"name": HOSTILE, "meta": {"owner": HOSTILE}, "expectations": rules}))
    assert is_safe(text := shown("quality", "check", "--table", table, "--suite", str(file), code=None))
    assert "evil" in text


def test_doctor_shows_escapes(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / HOSTILE).mkdir()
    (tmp_path / HOSTILE / f"{HOSTILE}.json").write_text(HOSTILE)
    monkeypatch.setenv("INCIDENT_LEDGER_SUITES", str(tmp_path / HOSTILE))
    monkeypatch.setenv("INCIDENT_LEDGER_CHANNELS", f"{HOSTILE}://x")
    assert is_safe(text := shown("doctor", code=None))
    assert "evil" in text


def test_a_fault_is_one_line_of_escapes_and_its_own_code(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr("incident_ledger.cli.actions.sql.connect", fail)
    text = shown("sql", "select 1", code=70)
    assert is_safe(text)
    assert "this is a fault of incident-ledger: RuntimeError in cli/actions/sql.py, line " in text
    file = Path(text.partition("Its traceback is in ")[2].partition(";")[0])
    assert "Traceback" in file.read_text(encoding="utf-8")
    file.unlink()
    monkeypatch.setenv("INCIDENT_LEDGER_DEBUG", "1")
    text = shown("sql", "select 1", code=70)
    assert is_safe(text)
    assert "Traceback (most recent call last)" in text


def test_a_variable_that_is_no_setting_is_named_once_by_every_command(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENT_LEDGER_DATESET", "x")
    monkeypatch.setenv(f"INCIDENT_LEDGER_{HOSTILE}", "x")
    for arguments in (["incident", "list"], ["sql", "select 1"], ["policy", "check"], ["doctor"]):
        text = shown(*arguments, code=None)
        assert is_safe(text)
        assert text.count("INCIDENT_LEDGER_DATESET is not a setting and is ignored") == 1
        assert text.count("evil") == 1


LOGGING = """
import logging, warnings
from incident_ledger.cli._logs import show_logs
show_logs()
logging.getLogger("incident_ledger").warning("evil\\x1b[31m (reason: %s)", "\\u202ex")
logging.getLogger("some.library").warning("evil %s", "\\x9b31m")
warnings.warn("evil\\x1b[31m")
"""


def test_logs_and_warnings_are_escapes_on_stderr() -> None:
    done = subprocess.run([sys.executable, "-c", LOGGING], cwd=PROJECT_DIR, capture_output=True, timeout=60, check=True)
    lines = done.stderr.decode().splitlines()
    assert done.stdout == b""
    assert lines[0] == "warning: evil\\u001b[31m (reason: \\u202ex)"
    assert lines[1] == "warning: evil \\u009b31m"
    assert is_safe(done.stderr.decode())


def test_a_log_line_of_a_library_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    from incident_ledger.cli._logs import _Log

    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    _Log().emit(logging.LogRecord("x", logging.WARNING, "", 0, HOSTILE, None, None))
    assert is_safe(stream.getvalue())


def test_a_table_and_a_line_measure_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream := Terminal())
    monkeypatch.setenv("COLUMNS", "200")
    print_rows(("a", "b"), [[Text("\x1b"), Text("x")], [Text("12345678"), Text("y")]], first=range(1))
    assert [line.split() for line in stream.getvalue().splitlines()[1:]] == [["\\u001b", "x"], ["12345678", "y"]]
    assert [line.index(line.split()[1]) for line in stream.getvalue().splitlines()] == [10, 10, 10]


@given(st.text())
def test_what_is_shown_is_safe_and_shown_again_the_same(text: str) -> None:
    assert is_safe(visible(text))
    assert visible(visible(text)) == visible(text)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_that_is_shown_is_the_same_json(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    assert json.loads(visible(text)) == value


@pytest.mark.parametrize(
    "text", ["Ärger 🚨 60\u00a0%", "👩\u200d🚒", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "a\tb\nc"]
)
def test_writing_of_people_is_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", ["pass\u200bword", "a\u200db", "a\u200cb", "\ufeffx", "\udc80", "a\r\nb"])
def test_what_hides_between_letters_is_shown(text: str) -> None:
    assert "\\" in visible(text)


@pytest.mark.parametrize("console", [out, err], ids=["out", "err"])
def test_text_is_no_markup(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr" if console.stderr else "stdout", stream := Terminal())
    console.print("[link=file:///etc/passwd]x[/link] :warning: [red]")
    assert stream.getvalue() == "[link=file:///etc/passwd]x[/link] :warning: [red]\n"
