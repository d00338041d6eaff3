"""`incident watch`: each event of one incident once, as it comes, until Ctrl-C."""

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.ledger.writer import append
from incident_ledger.runner import incident_watch
from incident_ledger.runner.incident_watch import new_events
from incident_ledger.warehouse import Warehouse
from interruptible import interruptible
from ledger.factories import after, event


def looks(*acts: Callable[[], Any]) -> Callable[[], bool]:
    """A wait in which these happen, one before each look; after the last it is enough."""
    ahead = iter(acts)

    def wait() -> bool:
        act = next(ahead, None)
        if act is None:
            return True
        act()
        return False

    return wait


def test_each_event_comes_once_and_that_of_another_incident_never(ledger: Warehouse) -> None:
    first = event("detected")
    append(ledger, [first], after(0))
    wait = looks(
        lambda: append(ledger, [event("note", 1, text="one")], after(1)),
        lambda: append(ledger, [event("note", 1, key="other", text="other")], after(1)),
        lambda: append(ledger, [event("note", 0.5, text="late"), event("note", 2, text="two")], after(3)),
        lambda: None,
    )
    found = list(new_events(ledger, first.incident_id, wait=wait, known={first.event_id}))
    assert [item.event.payload["text"] for item in found] == ["one", "late", "two"]


def test_a_look_without_news_sends_no_statement(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    append(ledger, [event("detected")], after(0))
    reads: list[Any] = []
    real = incident_watch.read_events
    monkeypatch.setattr(incident_watch, "read_events", lambda *given, **more: reads.append(1) or real(*given, **more))
    wait = looks(*[lambda: None] * 5)
    assert len(list(new_events(ledger, event("detected").incident_id, wait=wait, known=set()))) == 1
    assert len(reads) == 1


def test_a_warehouse_that_fails_is_named_once_and_asked_again(
    ledger: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(ledger, [event("detected")], after(0))
    real, failures, errors = incident_watch.last_modified, [1, 1, 0, 1], []

    def failing(*given: Any) -> Any:
        if failures and failures.pop(0):
            raise OutsideError("away")
        return real(*given)

    monkeypatch.setattr(incident_watch, "last_modified", failing)
    wait = looks(*[lambda: None] * 5)
    found = list(new_events(ledger, event("detected").incident_id, wait=wait, known=set(), on_error=errors.append))
    assert (len(found), [str(error) for error in errors]) == (1, ["away", "away"])


def test_ctrl_c_ends_it_cleanly(run: Any, ledger: Warehouse) -> None:
    incident = run("open", "API down", "--severity", "P2", "--at", "2026-03-02T09:00:00Z").stdout.split()[1]
    environment = os.environ | {"PYTHONPATH": str(ledger.settings.project_dir / "scripts")}
    command = interruptible("incident", "watch", incident, "--every", "1s")
    with subprocess.Popen(command, env=environment, cwd=PROJECT_DIR, stdout=-1, stderr=-1) as process:
        try:
            assert process.stderr is not None
            assert b"Looking every 1 s. Ctrl-C ends it." in process.stderr.readline()
            run("note", incident, "seen", "--at", "2026-03-02T09:05:00Z", "--actor", "alice")
            assert process.stdout is not None
            lines: list[bytes] = []
            while not lines or b"seen" not in lines[-1]:
                lines.append(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, b"")
    assert lines[0].decode().startswith(incident)
    assert b"+5.0  2026-03-02T09:05:00Z note by alice" in lines[-1]


def test_an_interval_that_is_none_is_refused(run: Any) -> None:
    with pytest.raises(UserError, match="--every"):
        run("watch", "latest", "--every", "0s")
