"""`incident task`, `incident review` and `postmortem`: from the end of an incident to its imported review."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from incident_ledger.errors import UserError
from incident_ledger.ledger import commands
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse

T = "2026-03-02T09:{:02d}:00Z"


@pytest.fixture
def run(command: Callable[..., Result]) -> Any:
    """Any command, not those of `incident` alone."""
    return command


@pytest.fixture
def incident(run: Any) -> str:
    """A P1 that was resolved."""
    opened = run(
        "incident", "open", "API down", "--severity", "P1", "--at", T.format(0), "--actor", "ann", "--no-notify"
    )
    name = str(opened.stdout.split()[1])
    run("incident", "ack", name, "--at", T.format(4))
    run("incident", "resolve", name, "--at", T.format(30), "--text", "Rolled back.")
    return name


def test_tasks_are_listed_done_and_left(run: Any, incident: str) -> None:
    rows = json.loads(run("incident", "task", "list", "--json", "--as-of", T.format(40)).stdout)
    assert [row["task_id"] for row in rows][:3] == ["timeline_record", "timeline_actions", "timeline_resolution"]
    assert {row["due_at"] for row in rows} == {"2026-03-03T09:30:00Z", "2026-03-05T09:30:00Z"}
    done = run("incident", "task", "done", incident, "immediate", "cause_technical", "--at", T.format(50))
    assert len(done.stdout.splitlines()) == 7
    assert "8 tasks are left; the next, cause_process, is due at 2026-03-05 09:30 UTC." in done.stderr
    with pytest.raises(UserError, match="That was done already: impact_data at 2026-03-02T09:50:00Z"):
        run("incident", "task", "done", incident, "impact_data", "--at", T.format(55))
    with pytest.raises(
        UserError, match=r"'impact' is no task. There are timeline_record, .* all of immediate or review"
    ):
        run("incident", "task", "done", incident, "impact")
    left = run("incident", "task", "list", "--as-of", "2026-03-06T00:00:00Z").stdout
    assert "late 2026-03-05 09:30" in left
    assert "timeline_record" not in left
    assert "done 2026-03-02 09:50" in run("incident", "task", "list", incident).stdout


def test_a_review_is_scheduled_and_completed_once(run: Any, incident: str) -> None:
    late = run("incident", "review", "schedule", incident, "2026-03-09T10:00:00Z", "--at", T.format(40))
    assert "That is after its deadline, 2026-03-05 09:30 UTC." in late.stderr
    with pytest.raises(UserError, match="2026-03-02T09:00:00Z is over"):
        run("incident", "review", "schedule", incident, T.format(0))
    complete = run("incident", "review", "complete", incident, "--at", T.format(45))
    assert "These were not done, and nobody will be asked for them: timeline_record, " in complete.stderr
    with pytest.raises(UserError, match="was reviewed already, at 2026-03-02T09:45:00Z"):
        run("incident", "review", "complete", incident)
    assert "Nothing is to be done" in run("incident", "task", "list", "--as-of", T.format(50)).stderr


def test_what_is_open_is_not_reviewed(run: Any) -> None:
    opened = run("incident", "open", "API down", "--severity", "P1", "--at", T.format(0), "--no-notify")
    name = opened.stdout.split()[1]
    with pytest.raises(UserError, match=f"{name} is investigating, not resolved. .* incident resolve {name}"):
        run("incident", "review", "complete", name)
    assert "it is not over" in run("incident", "task", "list", name).stderr
    assert "is not over: what follows is a draft" in run("postmortem", name).stderr


def test_a_review_is_written_edited_and_imported(run: Any, incident: str, ledger: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "review.md"
    written = run("postmortem", incident[:12], "--output", str(file))
    assert f"incident-ledger postmortem import {file}" in written.stderr
    with pytest.raises(UserError, match="is there already, and may have been edited"):
        run("postmortem", incident, "--output", str(file))
    with pytest.raises(UserError, match=r"review\.md:\d+: the root cause has no category"):
        run("postmortem", "import", str(file))
    text = file.read_text()
    for empty, full in (
        ("- Category:", "- Category: deploy"),
        ("- Money:", "- Money: $1,200"),
        ("- [ ] `timeline_record`", "- [x] `timeline_record`"),
    ):
        text = text.replace(empty, full, 1)
    file.write_text(text, encoding="utf-8-sig")
    imported = run("postmortem", "import", str(file), "--actor", "bob")
    kinds = [line.split()[2] for line in imported.stdout.splitlines()]
    assert kinds == ["task_completed", "root_cause_identified", "impact_assessed", "review_completed"]
    (state,) = read_state(ledger)
    assert (state.root_cause_category, state.financial_impact) == ("deploy", "$1,200")
    assert state.closed_time is not None
    again = run("postmortem", "import", str(file), "--actor", "bob")
    assert (again.stdout, again.stderr) == ("", "The ledger holds all that it says: nothing was written.\n")
    assert len(read_events(ledger, incident_ids=[incident])) == 8  # with the initial response of the matrix
    assert "- Money: $1,200" in run("postmortem", "write", incident).stdout


def test_a_cause_of_an_older_list_stands_in_a_review_and_another_is_refused_by_line(
    run: Any, incident: str, ledger: Warehouse, tmp_path: Path
) -> None:
    at = datetime(2026, 3, 2, 9, 40, tzinfo=UTC)
    (state,) = read_state(ledger)
    ann = commands.CommandContext(actor="ann", at=at, now=at)
    append(ledger, [commands.name_cause(state, ann, "expired credential")], at)
    file = tmp_path / "review.md"
    run("postmortem", incident, "--output", str(file))
    text = file.read_text()
    file.write_text(text.replace("- Category: expired credential", "- Category: gremlins", 1))
    with pytest.raises(UserError, match=r"review\.md:\d+: 'gremlins' is no root cause; there are deploy, "):
        run("postmortem", "import", str(file))
    file.write_text(text.replace("## Lessons\n\n-", "## Lessons\n\n- Rotate it", 1))
    assert "review_completed" in run("postmortem", "import", str(file)).stdout
    assert read_state(ledger)[0].root_cause_category == "expired credential"


def test_a_review_of_no_incident_and_one_that_is_no_text_are_refused(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "review.md"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is not UTF-8 text: byte 0 is not"):
        run("postmortem", "import", str(file))
    file.write_text("# Post-incident review of INC-20200101T000000Z-00000000\n\n## Root cause\n\n- Category: deploy\n")
    with pytest.raises(UserError, match="No incident's id begins with INC-20200101T000000Z-00000000"):
        run("postmortem", "import", str(file))


def test_d6_the_last_full_week_has_its_monday_and_its_sunday_and_not_this_monday(run: Any, tmp_path: Path) -> None:
    for number, at in enumerate(("2026-02-23T00:00:00Z", "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z")):
        run("incident", "open", f"API {number} down", "--severity", "P2", "--at", at, "--actor", "ann", "--no-notify")
    last = run("review", "weekly", "--as-of", "2026-03-02T09:00:00Z").stdout
    assert last.startswith("# Weekly review, 2026-02-23 00:00:00 UTC to 2026-03-02 00:00:00 UTC\n")
    assert "| P2 | 2 | 0 | 3 | - |" in last
    running = run("review", "weekly", "--week", "2026-W10", "--as-of", "2026-03-02T09:00:00Z").stdout
    assert "| P2 | 1 | 0 | 3 | - |" in running
    run("report", "weekly", "--as-of", "2026-03-02T09:00:00Z", "--output", str(tmp_path / "week.eml"))
    mail = message_from_bytes((tmp_path / "week.eml").read_bytes(), policy=policy.default)
    assert "2026-02-23 to 2026-03-01: 2 detected, 0 resolved, 3 open" in mail["Subject"]
    html = mail.get_body(("html",)).get_content()
    assert ("Mon 2026-02-23" in html, "Sun 2026-03-01" in html, "Mon 2026-03-02" in html) == (True, True, False)


def test_the_week_is_written_to_the_screen_or_a_new_file(run: Any, incident: str, tmp_path: Path) -> None:
    shown = run("review", "weekly", "--week", "2026-W10", "--as-of", "2026-03-04T00:00:00Z").stdout
    assert shown.startswith("# Weekly review, 2026-03-02 00:00:00 UTC to 2026-03-09 00:00:00 UTC\n")
    assert f"- **P1 {incident}** API down" in shown
    last = run("review", "weekly", "--as-of", "2026-03-09T00:00:00Z").stdout
    assert last.startswith("# Weekly review, 2026-03-02 00:00:00 UTC to 2026-03-09 00:00:00 UTC\n")
    file = tmp_path / "week.md"
    run("review", "weekly", "--output", str(file))
    with pytest.raises(UserError, match="is there already"):
        run("review", "weekly", "--output", str(file))
    with pytest.raises(UserError, match="--week '2026-W60' is not a week of a year"):
        run("review", "weekly", "--week", "2026-W60")
