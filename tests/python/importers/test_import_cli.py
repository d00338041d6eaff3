"""`import` and `rejects` on the command line."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from importers.pages import T0, at, incident, poll, resolved, update
from incident_ledger.cli._app import app
from incident_ledger.errors import IncidentLedgerError, OutsideError, UserError
from incident_ledger.ledger.state import read_state
from incident_ledger.warehouse import Warehouse


@pytest.fixture
def run(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = ledger.settings
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(settings, name)))

    def invoke(*args: str) -> Result:
        result = CliRunner().invoke(app, args)
        if isinstance(result.exception, IncidentLedgerError):
            raise result.exception
        return result

    return invoke


def write(path: Path, *bodies: Any) -> str:
    path.write_text("\n".join(body if isinstance(body, str) else json.dumps(body) for body in bodies))
    return str(path)


def test_import_says_what_was_new_and_what_was_known(run: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", resolved("a"), incident("b"), incident("m", impact="maintenance"))
    first = run("import", "statuspage", file)
    assert first.exit_code == 0
    assert first.stdout == (
        "statuspage: 3 records read: 2 new incidents, 5 new events, 0 unchanged, 1 maintenance left out, 0 rejected.\n"
    )
    again = json.loads(run("import", "statuspage", file, "--json").stdout)
    assert (again["new_events"], again["unchanged"], again["read"]) == (0, 2, 3)


def test_good_records_are_not_lost_to_bad_ones_and_the_exit_code_says_so(
    run: Any, ledger: Warehouse, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.jsonl", resolved("a"), "{bad", incident("b", impact="huge"), incident("c"))
    result = run("import", "statuspage", file)
    assert result.exit_code == 5
    assert f"rejected: {file}:2: is not JSON" in result.stderr
    assert f"rejected: {file}:3: impact: 'huge' is unknown" in result.stderr
    assert {state.source_key for state in read_state(ledger)} == {"a", "c"}


def test_rejects_are_listed_once_however_often_they_are_imported(run: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", incident("a"), incident("b", impact="huge"))
    for _ in range(2):
        assert run("import", "statuspage", file).exit_code == 5
    (reject,) = json.loads(run("rejects", "list", "--json").stdout)
    assert (reject["file"], reject["line"], reject["field"]) == (file, 2, "impact")
    assert json.loads(reject["record"])["impact"] == "huge"
    assert reject["reject_id"][:12] in run("rejects", "list").stdout
    assert "huge" in run("rejects", "show", reject["reject_id"][:8]).stdout


def test_reject_is_replayed_as_it_came_or_corrected(run: Any, ledger: Warehouse, tmp_path: Path) -> None:
    run("import", "statuspage", write(tmp_path / "a.jsonl", incident("a"), incident("b", impact="huge")))
    (reject,) = json.loads(run("rejects", "list", "--json").stdout)
    still = run("rejects", "replay")
    assert still.exit_code == 5
    assert "still refused: impact: 'huge' is unknown" in still.stdout
    fixed = write(tmp_path / "fixed.json", incident("b", impact="major"))
    done = run("rejects", "replay", reject["reject_id"][:6], "--file", fixed)
    assert done.exit_code == 0
    assert {state.source_key: state.severity_level for state in read_state(ledger)} == {"a": "P2", "b": "P1"}
    assert json.loads(run("rejects", "list", "--json").stdout) == []
    (kept,) = json.loads(run("rejects", "list", "--all", "--json").stdout)
    assert kept["replayed_at"] is not None
    assert run("import", "statuspage", str(tmp_path / "a.jsonl")).exit_code == 5
    assert json.loads(run("rejects", "list", "--json").stdout) == []


def test_replay_needs_one_reject_for_a_corrected_file(run: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name it by its id"):
        run("rejects", "replay", "--file", write(tmp_path / "x", "{}"))
    with pytest.raises(UserError, match="No reject's id begins with"):
        run("rejects", "show", "abc")


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is empty"), ("<html>", "is not JSON"), ("{bad", "is not JSON"), ('{"data": []}', "neither an incident")],
)
def test_file_that_is_no_status_page_is_the_users_mistake_and_nothing_is_kept(
    run: Any, tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run("import", "statuspage", write(tmp_path / "x.json", content))
    assert json.loads(run("rejects", "list", "--json").stdout) == []


def test_page_without_incidents_is_fine(run: Any, tmp_path: Path) -> None:
    assert run("import", "statuspage", write(tmp_path / "x.json", poll(5))).exit_code == 0


def test_file_of_bad_records_only_is_kept_in_the_rejects(run: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "x.jsonl", incident("a", impact="huge"), incident("b", status="odd"), "{bad")
    assert run("import", "statuspage", file).exit_code == 5
    assert [reject["line"] for reject in json.loads(run("rejects", "list", "--json").stdout)] == [1, 2, 3]


def test_bad_poll_among_good_ones_is_refused_alone(run: Any, ledger: Warehouse, tmp_path: Path) -> None:
    files = [
        write(tmp_path / "1.json", poll(5, incident("a"))),
        write(tmp_path / "2.json", "<html>", "502", "</html>"),
        write(tmp_path / "3.json", poll(40, resolved("a"))),
    ]
    result = run("import", "statuspage", *files)
    assert result.exit_code == 5
    assert f"rejected: {files[1]}: holds no record of a status page" in result.stderr
    assert [state.is_open for state in read_state(ledger)] == [False]


def test_missing_file_and_silent_url_import_nothing(run: Any, ledger: Warehouse, tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", incident("a"))
    with pytest.raises(UserError, match="there is no such file"):
        run("import", "statuspage", good, str(tmp_path / "missing"))
    with pytest.raises(OutsideError, match="cannot be reached"):
        run("import", "statuspage", good, "http://127.0.0.1:9/")
    assert read_state(ledger) == []


def test_title_of_100_kb_with_line_breaks_comes_through_whole(run: Any, ledger: Warehouse, tmp_path: Path) -> None:
    title = '<b>"it\'s" 🚨</b>\r\n{{ 7*7 }} ' * 4000
    assert run("import", "statuspage", write(tmp_path / "a.jsonl", incident("a", name=title))).exit_code == 0
    assert read_state(ledger)[0].title == title
    listed = run("incident", "list").stdout
    assert len(listed.splitlines()) == 2
    assert "{{ 7*7 }}" in listed


def test_what_vanished_is_noted_in_doubt_retracted_by_who_vouches_and_counts_again_when_it_is_shown(
    run: Any, ledger: Warehouse, tmp_path: Path
) -> None:
    records = [resolved(key, 9 - number, created_at=at(-number)) for number, key in enumerate("abcde")]
    run("import", "statuspage", write(tmp_path / "1.json", poll(60, *records)))
    before = read_state(ledger)
    filtered = write(tmp_path / "2.json", poll(90, records[0], *records[3:]))
    noted = run("import", "statuspage", filtered)
    assert "2 are missing at once, as in a filtered copy; if it leaves nothing out" in noted.stderr
    assert read_state(ledger) == before
    run("import", "statuspage", filtered, "--complete")
    assert [state.source_key for state in read_state(ledger) if state.is_retracted] == ["c", "b"]
    run("import", "statuspage", write(tmp_path / "3.json", poll(95, *records)))
    lasting = ("incident_id", "is_retracted", "is_open", "detection_time", "acknowledged_time", "resolution_time")
    assert [[getattr(state, name) for name in lasting] for state in read_state(ledger)] == [
        [getattr(state, name) for name in lasting] for state in before
    ]


def test_single_deletion_is_found_by_one_import_each_also_of_what_is_older_than_all_that_is_listed(
    run: Any, ledger: Warehouse, tmp_path: Path
) -> None:
    """By resolution: the long one was created before all others, and ended after the last that is listed."""
    full = [resolved(f"r{number:02}", 100 - number, created_at=at(-number)) for number in range(50)]
    both = [resolved("longer", 70, created_at=at(-9001)), resolved("long", 69.5, created_at=at(-9000)), *full]
    listed = sorted(both, key=lambda record: record["resolved_at"], reverse=True)
    run("import", "statuspage", write(tmp_path / "1.json", poll(200, *listed[:50])))
    rest = [record for record in listed if record["id"] != "long"]
    assert len(rest) > 50
    result = run("import", "statuspage", write(tmp_path / "2.json", poll(300, *rest[:50])))
    assert [state.source_key for state in read_state(ledger) if state.is_retracted] == ["long"], result.stderr


def test_maintenances_alone_are_left_out_and_that_is_no_failure(run: Any, ledger: Warehouse, shared_data: Path) -> None:
    result = run("import", "statuspage", str(shared_data / "field" / "maintenances_only.json"))
    assert result.exit_code == 0
    assert (
        "1 records read: 0 new incidents, 0 new events, 0 unchanged, 1 maintenance left out, 0 rejected."
        in result.stdout
    )
    assert read_state(ledger) == []


def test_only_the_bad_record_of_a_copy_without_update_ids_is_refused(
    run: Any, ledger: Warehouse, shared_data: Path
) -> None:
    file = str(shared_data / "field" / "updates_without_ids.json")
    result = run("import", "statuspage", file)
    assert result.exit_code == 5
    assert (
        "3 records read: 1 new incidents, 4 new events, 0 unchanged, 1 maintenance left out, 1 rejected."
        in result.stdout
    )
    assert "incidents[2].impact: 'catastrophic' is unknown" in result.stderr
    (state,) = read_state(ledger)
    assert (state.source_key, state.is_open) == ("6ptd5skgmy3v", False)
    assert "0 new events, 1 unchanged" in run("import", "statuspage", file).stdout


def test_only_the_bad_record_of_an_invented_copy_without_update_ids_is_refused(
    run: Any, ledger: Warehouse, tmp_path: Path
) -> None:
    good, work = resolved("good"), incident("work", [update("m", "in_progress", 5)], impact="maintenance")
    bad = resolved("bad", impact="catastrophic")
    for record in (good, work, bad):
        record["incident_updates"] = [
            {name: value for name, value in each.items() if name in {"status", "body", "display_at"}}
            for each in record["incident_updates"]
        ]
    body = {"page": {"id": "page1", "name": "Page"}, "incidents": [good, work | {"status": "in_progress"}, bad]}
    file = write(tmp_path / "x.json", body)
    result = run("import", "statuspage", file)
    assert result.exit_code == 5
    assert "3 records read: 1 new incidents, " in result.stdout
    assert "1 maintenance left out, 1 rejected." in result.stdout
    assert [line for line in result.stderr.splitlines() if line.startswith("rejected: ")] == [
        f"rejected: {file}:1: incidents[2].impact: 'catastrophic' is unknown; "
        "known are critical, maintenance, major, minor, none"
    ]
    (state,) = read_state(ledger)
    assert (state.source_key, state.is_open, state.acknowledged_time) == ("good", False, T0 + timedelta(minutes=1))
    assert state.resolution_time == T0 + timedelta(minutes=30)
    # The updates are known again by time and status: as it came, and in a copy that has their ids.
    assert "0 new events, 1 unchanged" in run("import", "statuspage", file).stdout
    named = write(tmp_path / "named.json", {**body, "incidents": [resolved("good")]})
    assert "0 new events, 1 unchanged" in run("import", "statuspage", named).stdout


def test_numbers_and_years_that_no_column_holds_cost_their_records_alone(
    run: Any, ledger: Warehouse, tmp_path: Path
) -> None:
    worst = {"huge": "1e400", "long": "9" * 5_000, "first": '"0001-01-01T00:00:00+14:00"',
             "last": '"9999-12-31T23:59:59-14:00"'}  # fmt: skip
    lines = [json.dumps(incident(key, created_at="HERE")).replace('"HERE"', text) for key, text in worst.items()]
    unread = [json.dumps(incident(f"{key}-unread", x="HERE")).replace('"HERE"', text) for key, text in worst.items()]
    file = write(tmp_path / "x.jsonl", *lines, *unread)
    result = run("import", "statuspage", file)
    assert result.exit_code == 5
    rejected = [line for line in result.stderr.splitlines() if line.startswith("rejected: ")]
    assert [line.partition(": created_at: ")[0] for line in rejected] == [f"rejected: {file}:{n}" for n in range(1, 5)]
    assert max(map(len, rejected)) < len(file) + 120
    assert {state.source_key for state in read_state(ledger)} == {f"{key}-unread" for key in worst}
    assert len(json.loads(run("rejects", "list", "--json").stdout)) == 4


def test_an_incident_of_the_future_is_remarked_and_not_listed_before_its_time(run: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", incident("a", created_at="2990-03-02T09:00:00.000Z", started_at=None))
    result = run("import", "statuspage", file)
    assert result.exit_code == 0
    assert "is detected at 2990-03-02T09:00:00.000000Z, after this import" in result.stderr
    assert json.loads(run("incident", "list", "--json").stdout) == []
    (listed,) = json.loads(run("incident", "list", "--json", "--as-of", "2990-03-02T10:00:00Z").stdout)
    assert listed["age_minutes"] == 60.0
