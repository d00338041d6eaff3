"""`incident list` and `incident show`: what is asked first is on one screen."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.cli import _console, _incidents
from incident_ledger.cli._console import Console
from incident_ledger.ledger.answers import acknowledged_by
from incident_ledger.ledger.events import PLANNER, Event, Status
from incident_ledger.ledger.overdue import UPDATE, WAR_ROOM
from incident_ledger.ledger.reducer import replay
from incident_ledger.ledger.state import IncidentState
from incident_ledger.ledger.writer import append
from incident_ledger.notify.summary import next_command, summary
from incident_ledger.policy import Policy, load_files
from incident_ledger.response.clocks_ahead import clocks_ahead, with_clocks
from incident_ledger.warehouse import Warehouse
from ledger.factories import RANKS, after, event, resolved, state

POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
T = "2026-03-02T{:02d}:{:02d}:00Z"
QUERY = "select * from `p.d.usage` where output_tokens is null"
EVIDENCE = {
    "breaches": [{"rule_id": "output_tokens", "failed": 5, "examined": 16, "severity": "P1", "query": QUERY}],
    "owner": "engineering_on_call",
}


def rows(text: str) -> dict[str, str]:
    """The first value of each label of a screen."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("  ") and line[2:3].strip() and len(line) > 19:
            found.setdefault(line[2:19].strip(), line[19:].strip())
    return found


@pytest.fixture
def incident(ledger: Warehouse) -> str:
    """A P1 of a check, detected at 09:00, whose answer was due at 09:15."""
    late = event("escalated", 15, step_id="response_overdue", severity_level="P1", text="late")
    by_clock = {name: getattr(late, name) for name in late.__dataclass_fields__} | {"actor": PLANNER}
    first = event("detected", severity="P1", title="Tokens are missing", evidence=EVIDENCE, components=["table:usage"])
    append(ledger, [first, Event(**by_clock)], after(15))
    return first.incident_id


def test_the_screen_has_what_is_asked_first(run: Any, incident: str) -> None:
    text = run("show", incident, "--as-of", T.format(9, 20)).stdout
    shown = rows(text)
    assert text.splitlines()[0].split() == [incident, "P1", "investigating", "Tokens", "are", "missing"]
    assert shown["OVERDUE"] == "acknowledgement since 2026-03-02T09:15:00Z (5 min)"
    assert shown["due next"] == "2026-03-02T09:30:00Z (in 10 min): Escalation of P1: 30 minutes if not contained"
    assert shown["acknowledged"] == "by nobody yet"
    assert shown["open for"] == "20.0 min"
    assert shown["found"].startswith("5 of 16 records (31.25 %) break output_tokens")
    assert shown["query"] == QUERY
    assert shown["cause"] == "not named yet"
    assert shown["ask"] == "owner Engineering On-Call <engineering-oncall@samba.tv>; Engineering On-Call " \
        "<engineering-oncall@samba.tv>"  # fmt: skip
    assert text.splitlines()[-1] == f"Next: incident-ledger incident ack {incident}"
    assert list(shown)[:2] == ["OVERDUE", "due next"]


def test_the_screen_follows_what_people_write(run: Any, incident: str) -> None:
    run("ack", incident, "--at", T.format(9, 16), "--actor", "bob")
    run("impact", incident, "--data", "a day is missing", "--at", T.format(9, 17))
    run("cause", incident, "deploy", "--text", "v7", "--at", T.format(9, 18))
    run("assign", incident, "Engineering Lead", "--at", T.format(9, 19))
    run("note", incident, "rolling back", "--at", T.format(9, 20), "--actor", "bob")
    text = run("show", incident, "--as-of", T.format(9, 21)).stdout
    shown = rows(text)
    assert "OVERDUE" not in shown
    assert shown["acknowledged"] == "2026-03-02T09:16:00Z by bob"
    assert (shown["cause"], shown["data impact"]) == ("deploy: v7", "a day is missing")
    assert shown["last written"] == "rolling back (2026-03-02 09:20:00 UTC, bob)"
    assert shown["ask"].startswith("commander Engineering Lead <engineering-lead@samba.tv, ")
    assert text.splitlines()[-1] == f'Next: incident-ledger incident contain {incident} --text "..."'


def test_a_long_incident_fits_a_screen(run: Any, incident: str, ledger: Warehouse) -> None:
    append(ledger, [event("note", minute, text=f"{minute} " * 90) for minute in range(1, 60)], after(60))
    append(ledger, [event("notified", 61, channel="folder")], after(61))
    lines = run("show", incident).stdout.splitlines()
    assert len(lines) <= 40
    assert not any("notified by" in line for line in lines)  # who got a message is in the timeline
    assert any(f"others: incident-ledger incident timeline {incident}" in line for line in lines)


def test_the_list_has_what_is_overdue_before_what_is_older(run: Any, incident: str) -> None:
    opened = run("open", "Older", "--severity", "P1", "--at", T.format(8, 59), "--component", "api:x", "--no-notify")
    run("ack", opened.stdout.split()[1], "--at", T.format(9, 12), "--actor", "bob")
    run("open", "Worse", "--severity", "P0", "--at", T.format(9, 30), "--no-notify")
    result = run("list", "--as-of", T.format(9, 40))
    _, worse, late, older = result.stdout.splitlines()
    assert "Worse" in worse
    assert "commander Engineering Lead" in worse
    assert "table:usage; OVERDUE: acknowledgement since 09:15" in late
    assert "api:x; acknowledged 09:12 by bob" in older
    assert f"incident-ledger incident show {worse.split()[0]}" in result.stderr
    listed = json.loads(run("list", "--json", "--as-of", T.format(9, 40)).stdout)
    overdue = {each["incident_id"]: each["overdue"] for each in listed}
    waits = [{"what": "acknowledgement", "since": T.format(9, 15)}, {"what": "update", "since": T.format(9, 30)}]
    assert overdue[incident] == waits
    assert len(listed) == 3
    answers = {each["title"]: each["acknowledged_by"] for each in listed}
    assert answers == {"Older": "bob", "Worse": None, "Tokens are missing": None}


def test_the_list_names_who_acknowledged_first_as_the_ledger_knew_it(run: Any, incident: str) -> None:
    for minute, actor in ((12, "bob"), (11, "ann")):
        run("ack", incident, "--at", T.format(9, minute), "--actor", actor)
    assert "acknowledged 09:11 by ann" in run("list", "--as-of", T.format(9, 16)).stdout
    known = run("list", "--known-at", datetime.now(UTC).isoformat(), "--as-of", T.format(9, 16)).stdout
    assert "acknowledged 09:11 by ann" in known
    assert "by ann" in run("list", "--all", "--as-of", T.format(9, 16)).stdout


def test_what_a_page_of_a_vendor_acknowledged_is_nobodys_answer() -> None:
    page = state(incident_id="INC-1", detected_by="vendor", our_acknowledged_time=after(4), has_sla=True)
    given = {"INC-1": [(after(1), "statuspage"), (after(4), "ann")], "INC-2": [(after(1), "bob")]}
    own, silent = state(incident_id="INC-2", our_acknowledged_time=after(1)), state(incident_id="INC-3")
    assert acknowledged_by([page, own, silent], given) == {"INC-1": "ann", "INC-2": "bob"}


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_fits_its_screen_whoever_acknowledged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    answered = [
        state(incident_id=f"INC-20260302T09000{n}Z-0123456{n}", our_acknowledged_time=after(3), title="A title " * 5)
        for n in range(5)
    ]
    names = {each.incident_id: "somebody.with.a.long.name@engineering.example.com" for each in answered}
    screen = Console(force_terminal=True, width=width, height=24)
    monkeypatch.setattr(_incidents, "out", screen)
    monkeypatch.setattr(_console, "out", screen)
    _incidents.print_list(answered, after(90), everything=False, acknowledged_by=names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert sum("acknowledged 09:03 by somebody" in line for line in lines) == len(answered)
    assert max(map(len, lines)) <= width


def test_a_long_list_fits_the_screen_with_the_worst_and_says_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [state(incident_id=f"INC-{n:03}", severity_level="P2", detection_time=after(n)) for n in range(60)]
    many += [state(incident_id=f"INC-{n}", severity_level="P0", title="A long title " * 8) for n in ("900", "901")]
    monkeypatch.setattr(_incidents, "out", Console(force_terminal=True, width=100, height=30))
    _incidents.print_list(many, after(90), everything=False)
    shown = capsys.readouterr()
    listed = [line.split()[0] for line in shown.out.splitlines() if line.startswith("INC-")]
    assert listed == ["INC-900", "INC-901", *(f"INC-{n:03}" for n in range(11))]
    assert len((shown.out + shown.err).splitlines()) < 30
    assert "… and 49 more (49 P2): incident-ledger incident list | less" in shown.err
    monkeypatch.undo()
    _incidents.print_list(many, after(90), everything=False)
    assert capsys.readouterr().out.count("INC-") == 62  # a pipe has all


@pytest.mark.parametrize(
    ("known", "waiting", "command"),
    [
        (state(), set(), "incident ack ID"),
        (state(our_acknowledged_time=after(1)), {WAR_ROOM, UPDATE}, "incident war-room ID URL"),
        (state(our_acknowledged_time=after(1)), {UPDATE}, 'incident note ID "..." --notify'),
        (state(our_acknowledged_time=after(1)), set(), 'incident status ID identified --text "..."'),
        (state(our_acknowledged_time=after(1), status=Status.RESOLVING), set(), 'incident resolve ID --text "..."'),
        (resolved(5), set(), "incident cause ID CATEGORY"),
        (resolved(5, root_cause_category="deploy"), set(), "incident task list ID"),
        (resolved(5, closed_time=after(9)), set(), "incident timeline ID"),
        (state(is_retracted=True, is_open=False), set(), "incident timeline ID"),
        (state(merged_into="INC-2", is_open=False), set(), "incident show INC-2"),
    ],
)
def test_the_next_command_is_what_waits_most(known: IncidentState, waiting: set[str], command: str) -> None:
    assert next_command(known, waiting) == f"incident-ledger {command.replace('ID', known.incident_id, 1)}"


def test_what_is_not_known_is_nothing() -> None:
    found = summary(state(), [event("detected")], POLICY, after(1))
    assert (found.acknowledged_by, found.found, found.cause, found.data_impact, found.last_written) == (
        None, (), None, None, None,
    )  # fmt: skip


def test_clocks_ahead_are_the_next_that_fall_due_and_of_updates_one() -> None:
    opened = replay([event("detected", severity="P1")], RANKS)
    assert opened is not None
    ahead = clocks_ahead(opened, POLICY, after(1), number=6)
    times = [each.occurred_at for each in ahead]
    assert times == sorted(times)
    assert all(time > after(1) for time in times)
    assert sum(each.event_type == "update_due" for each in ahead) == 1
    assert clocks_ahead(resolved(5), POLICY, after(9), number=4) == []
    assert with_clocks(resolved(5), POLICY, after(9)) == resolved(5)


def test_what_is_overdue_is_shown_though_no_tick_recorded_it(run: Any, ledger: Warehouse) -> None:
    late, early = (event("detected", minutes, severity="P2", key=key) for key, minutes in (("late", 0), ("early", 30)))
    append(ledger, [late, early], after(30))
    as_of = ("--as-of", T.format(10, 5))
    lines = run("list", *as_of).stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("INC-")] == [late.incident_id, early.incident_id]
    assert "OVERDUE: update since 09:30, acknowledgement since 10:00" in " ".join("\n".join(lines).split())
    listed = {each["incident_id"]: each for each in json.loads(run("list", "--json", *as_of).stdout)}
    shown = json.loads(run("show", late.incident_id, "--json", *as_of).stdout)
    assert [each["what"] for each in shown["overdue"]] == ["update", "acknowledgement"]
    assert listed[late.incident_id]["overdue"] == shown["overdue"]
    assert shown["event_count"] == 1  # what is recorded stays what is shown of the record
    assert [each["what"] for each in listed[early.incident_id]["overdue"]] == ["update"]
    assert json.loads(run("list", "--json", "--as-of", T.format(9, 29)).stdout)[0]["overdue"] == []
