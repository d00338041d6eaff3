"""The main job, whole processes on a warehouse of their own: twice, eight at once, killed, and rehearsed."""

import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from incident_ledger.demo import usage
from incident_ledger.importers.usage.load import load_usage
from incident_ledger.ledger.bootstrap import ensure_ledger
from run.place import AS_OF, Place, differences

LATER = "2026-03-02T10:00:00Z"
END_DAY = date(2026, 3, 1)
ALARM = (1,)  # something is open at P0 or P1


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse with a week of usage, of which one table is broken by a third; its server is stopped."""
    place = Place(tmp_path_factory.mktemp("loaded") / "place")
    place.folder.mkdir()
    dials = usage.Dials(usage_without_output=0.3, claude_code_without_email=0.1)
    files = usage.generate(place.folder / "files", seed=3, end_day=END_DAY, days=7, dials=dials)
    warehouse = place.warehouse()
    ensure_ledger(warehouse)
    for source, paths in files.items():
        load_usage(warehouse, source, paths, loaded_at=datetime.fromisoformat("2026-03-02T07:00:00Z"))
    place.stop()
    return place


@pytest.fixture(scope="session")
def undisturbed(loaded: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The same warehouse after one run."""
    place = loaded.copy_to(tmp_path_factory.mktemp("undisturbed") / "place")
    place.command("run", "--as-of", AS_OF, expect=ALARM)
    yield place
    place.stop()


@pytest.fixture
def fresh(loaded: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of the loaded warehouse for one test."""
    place = loaded.copy_to(tmp_path / "place")
    yield place
    place.stop()


def test_a_second_run_at_the_same_time_writes_nothing(undisturbed: Place) -> None:
    before = undisturbed.snapshot()
    report = undisturbed.json("run", "--as-of", AS_OF, expect=ALARM)
    assert report["events"] == []
    assert report["delivered"] == []
    assert differences(before, undisturbed.snapshot()) == []


def test_a_run_opens_incidents_by_the_bands_and_tells_of_each_once(undisturbed: Place) -> None:
    found = {each["component"]: each["severity_level"] for each in undisturbed.json("incident", "list")}
    assert found["table:ai_usage_prod_staging.stg_anthropic__usage"] == "P1"
    assert found["table:ai_usage_prod_staging.stg_anthropic__claude_code"] == "P2"
    outbox = undisturbed.json("outbox", "list")
    assert len({row["incident_id"] for row in outbox}) == len(outbox) == len(found)
    assert {row["status"] for row in outbox} == {"sent"}


def test_w9_a_later_run_without_news_writes_only_its_own_record(undisturbed: Place, tmp_path: Path) -> None:
    undisturbed.stop()
    place = undisturbed.copy_to(tmp_path / "quiet")
    before = place.snapshot()
    report = place.json("run", "--as-of", LATER, expect=ALARM)
    after = place.snapshot()
    place.stop()
    assert report["events"] == report["delivered"] == []
    unchanged = ("incident_events", "notifications", "usage_records", "usage_loads", "fct_usage_daily", "outbox")
    assert [name for name in before if name.split(".")[-1] in unchanged and before[name] != after[name]] == []
    assert before.keys() == after.keys()  # no temporary table is left


def test_a_rehearsal_shows_what_the_run_then_writes_and_writes_nothing(undisturbed: Place, tmp_path: Path) -> None:
    """The broken export comes again, mended: one incident would end, and its end would be told."""
    undisturbed.stop()
    place = undisturbed.copy_to(tmp_path / "rehearsed")
    files = usage.generate(
        tmp_path / "mended", seed=3, end_day=END_DAY, days=7, dials=usage.Dials(usage_without_output=0)
    )
    load_usage(
        place.warehouse(),
        "anthropic_usage",
        files["anthropic_usage"],
        loaded_at=datetime.fromisoformat("2026-03-02T09:30:00Z"),
    )
    before = place.snapshot()
    rehearsed = place.json("run", "--as-of", LATER, "--dry-run")
    assert differences(before, place.snapshot()) == []
    report = place.json("run", "--as-of", LATER, expect=(0, 1))
    place.stop()
    assert [each["event_type"] for each in rehearsed["events"]] == ["resolved"]
    assert rehearsed["events"] == report["events"]
    assert [each["message_id"] for each in rehearsed["messages"]] == [
        each["message_id"] for each in report["delivered"]
    ]


def test_eight_runs_at_once_give_the_ledger_of_one_and_each_message_once(fresh: Place, undisturbed: Place) -> None:
    processes = [fresh.begin("run", "--as-of", AS_OF, "--wait", "30") for _ in range(8)]
    codes = []
    for process in processes:
        with process:
            process.communicate(timeout=900)
        codes.append(process.returncode)
    assert 1 in codes
    assert set(codes) <= {1, 4}  # did the job, or found another at work for too long
    assert differences(undisturbed.snapshot(), fresh.snapshot()) == []


def test_a_second_run_says_who_is_at_work_and_exits_with_its_own_code(fresh: Place) -> None:
    first = fresh.begin("run", "--as-of", AS_OF)
    warehouse = fresh.warehouse()
    while not warehouse.rows(f"select * from {warehouse.raw('leases')} where until > current_timestamp()"):
        time.sleep(0.1)
    with fresh.begin("run", "--as-of", AS_OF, "--wait", "0") as second:
        _, said = second.communicate(timeout=120)
    with first:
        first.communicate(timeout=300)
    assert second.returncode == 4
    assert "Another run is at work: run-2026-03-02T09:00:00.000000Z on " in said
    assert first.returncode == 1


def kill_and_run_again(loaded: Place, folder: Path, undisturbed: Place, chance: random.Random) -> float:
    """Kill a run at a random moment, run again, and compare; the moment, in seconds after its start."""
    place = loaded.copy_to(folder)
    begun = time.monotonic()
    victim = place.begin("run", "--as-of", AS_OF)
    # A run takes as long as the machine lets it: kill after a step that is drawn, and then a little later.
    steps = chance.randint(0, 4)
    assert victim.stderr is not None
    while steps and (line := victim.stderr.readline()):
        steps -= "✓" in line or "!" in line
    time.sleep(chance.uniform(0, 3))
    os.killpg(victim.pid, signal.SIGKILL)
    moment = time.monotonic() - begun
    victim.communicate(timeout=30)
    warehouse = place.warehouse()
    # As if the minute after which the lease of a dead holder passes on were over; test_lease.py waits for it.
    warehouse.execute(f"update {warehouse.raw('leases')} set until = timestamp_seconds(0) where true")
    place.command("run", "--as-of", AS_OF, expect=ALARM)
    found = differences(undisturbed.snapshot(), place.snapshot())
    place.stop()
    assert found == [], f"killed {moment:.1f} s after its start"
    return moment


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_was_killed_and_run_again_ends_like_an_undisturbed_one(
    loaded: Place, undisturbed: Place, tmp_path: Path, seed: int
) -> None:
    kill_and_run_again(loaded, tmp_path / "place", undisturbed, random.Random(f"three {seed}"))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_twenty_kills(loaded: Place, undisturbed: Place, tmp_path: Path, seed: int) -> None:
    kill_and_run_again(loaded, tmp_path / "place", undisturbed, random.Random(f"twenty {seed}"))
