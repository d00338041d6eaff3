"""`incident-ledger silence`: never without an end, shown with its zone, and what a tick makes of it."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.errors import UserError
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.policy import load
from incident_ledger.response.silences import Scope
from incident_ledger.runner.job import Job
from incident_ledger.runner.silence_rows import add_silence, end_silence
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import SIGNALS

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def command(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`incident-ledger silence`, with what it ends with."""
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(ledger.settings, name)))

    def invoke(*args: str) -> Any:
        return CliRunner().invoke(app, ["silence", *args])

    return invoke


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def write_signal(ledger: Warehouse) -> None:
    row = {
        "source": "probe", "source_key": "target:a", "rule_id": "r", "component": "api:a", "severity_level": "P2",
        "title": "T", "started_at": START, "ended_at": None, "observed_at": START, "evidence": {},
    }  # fmt: skip
    insert_rows(ledger, SIGNALS, [row])


def tick(ledger: Warehouse, number: float) -> tuple[list[IncidentState], datetime | None]:
    report = Job(ledger, minute(number), command="tick").tick(wait=0)
    return read_state(ledger), report.next_due


def silenced(ledger: Warehouse, last: float, **more: Any) -> str:
    fields: dict[str, Any] = {
        "scope": Scope.COMPONENT, "value": "api:a", "starts_at": START, "ends_at": minute(last), "reason": "R",
        "actor": "bob", "now": START,
    }  # fmt: skip
    return add_silence(ledger, load(ledger), **{**fields, **more}).silence_id


def test_a_tick_opens_what_a_silence_held_back_at_its_end(ledger: Warehouse) -> None:
    silenced(ledger, 60)
    write_signal(ledger)
    state, due = tick(ledger, 1)
    assert (state, due) == ([], minute(60))
    ((incident,), _) = tick(ledger, 60)
    assert (incident.detection_time, incident.start_time) == (minute(60), START)


def test_i11_a_quick_return_after_a_silent_end_is_notified_of_and_the_ledger_has_the_end(ledger: Warehouse) -> None:
    write_signal(ledger)
    assert [each.is_open for each in tick(ledger, 0)[0]] == [True]
    assert templates(ledger) == ["initial"]
    silenced(ledger, 65, starts_at=minute(5), now=minute(5))
    ledger.execute(
        f"update {ledger.raw('signals')} set ended_at = @at, observed_at = @at where true", {"at": minute(30)}
    )
    ((incident,), _) = tick(ledger, 31)
    assert (incident.is_open, incident.resolution_time) == (False, minute(30))
    again = "started_at = @at, ended_at = null, observed_at = @at"
    ledger.execute(f"update {ledger.raw('signals')} set {again} where true", {"at": minute(80)})
    tick(ledger, 66)
    ((incident,), _) = tick(ledger, 81)
    assert (incident.is_open, incident.last_reopened_time) == (True, minute(80))
    assert templates(ledger) == ["initial", "resolution", "initial"]  # the last is of the return
    newest = ledger.rows(f"select subject from {ledger.raw('notifications')} order by created_at desc")[0]
    assert newest["subject"] == "[INCIDENT-P2] Reopened: T"


def templates(ledger: Warehouse) -> list[str]:
    """Of what was sent, in its order."""
    rows = ledger.rows(f"select template from {ledger.raw('notifications')} where status = 'sent' order by created_at")
    return [row["template"] for row in rows]


def test_a_silence_that_is_ended_early_holds_back_no_longer(ledger: Warehouse) -> None:
    silence = silenced(ledger, 600)
    write_signal(ledger)
    assert tick(ledger, 1)[0] == []
    assert end_silence(ledger, silence[:4], actor="ann", now=minute(10)).ended_by == "ann"
    ((incident,), _) = tick(ledger, 11)
    assert incident.detection_time == minute(10)
    with pytest.raises(UserError, match="is over since 2026-03-02 09:10 UTC"):
        end_silence(ledger, silence, actor="ann", now=minute(20))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ends_at": minute(-1)}, "not after its start"),
        ({"starts_at": minute(-60), "ends_at": minute(-1)}, "not after now"),
        ({"ends_at": minute(31 * 24 * 60)}, "more than 30 days"),
        ({"value": "*"}, "needs the component that it is about"),
        ({"reason": " "}, "needs a reason"),
        ({"scope": Scope.RULE, "value": "no_such"}, "'no_such' is no rule of the policy"),
    ],
)
def test_a_silence_without_a_sensible_end_or_subject_is_refused(
    ledger: Warehouse, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        silenced(ledger, 60, **more)
    assert ledger.rows(f"select * from {ledger.raw('signals')}") == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "one of --component, --rule and --owner"),
        (("--component", "api:a", "--rule", "r"), "one of --component, --rule and --owner"),
        (("--component", "api:a"), "A silence has an end"),
        (("--component", "api:a", "--until", "2026-03-08T02:30"), "has no time zone"),
        (("--component", "api:a", "--until", "14:00"), "is not a time"),
        (("--component", "api:a", "--for", "2 hours"), "is not a span of time"),
    ],
)
def test_an_end_without_a_zone_is_refused(command: Callable[..., Any], args: tuple[str, ...], message: str) -> None:
    result = command("add", "--reason", "R", *args)
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output


def test_the_command_shows_the_end_with_its_zone_and_the_list_the_same(command: Callable[..., Any]) -> None:
    """A start in a zone of its own, a minute ahead: it is to come, and ends when it says."""
    start = datetime.now(UTC) + timedelta(minutes=1)
    here = start.astimezone().isoformat()
    added = command(
        "add", "--component", "api:a", "--reason", "New keys", "--from", here, "--for", "2h", "--actor", "bob"
    )
    assert added.exit_code == 0, added.output
    end = f"{start + timedelta(hours=2):%Y-%m-%d %H:%M} UTC"
    assert added.stdout.startswith(f"Held back: component api:a, from {start:%Y-%m-%d %H:%M} UTC until {end} (")
    (row,) = json.loads(command("list", "--json").stdout)
    assert (row["scope"], row["reason"], row["actor"]) == ("component", "New keys", "bob")
    shown = " ".join(command("list").stdout.split())
    assert re.search(rf"to come .* {re.escape(end)} component api:a bob New keys", shown)
    command("end", row["silence_id"])
    assert json.loads(command("list", "--json").stdout) == []
    assert len(json.loads(command("list", "--all", "--json").stdout)) == 1
