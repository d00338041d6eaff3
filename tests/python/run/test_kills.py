"""A run that is killed (SIGKILL) and run again ends like an undisturbed one: at every seam, and at random moments."""

import random
import signal
import time
from pathlib import Path

import pytest

from run.environment import AS_OF, LATER, NextRun, Place, differences

SEAMS = ("policy", "build", "check", "plan", "notify", "report", "settle")  # the steps of a run, in order


def free_the_lease(place: Place) -> None:
    """As if the minute after which the lease of a dead holder passes on were over; test_lease.py waits for it."""
    warehouse = place.warehouse()
    warehouse.execute(f"update {warehouse.raw('leases')} set until = timestamp_seconds(0) where true")


def test_a_run_killed_after_each_of_its_steps_ends_like_an_undisturbed_one(corrected: NextRun, tmp_path: Path) -> None:
    """Each run goes on from what the killed ones before it left."""
    place = corrected.before.copy_to(tmp_path / "place")
    for seam in SEAMS:
        victim = place.begin(seam, LATER, module="run.killed")
        _, err = victim.communicate(timeout=800)
        assert victim.returncode == -signal.SIGKILL, err
        free_the_lease(place)
    report = place.json("run", "--as-of", LATER)
    seen = place.snapshot()
    place.stop()
    assert [step["step"] for step in report["steps"]] == list(SEAMS[:-1])  # once a week it settles
    assert differences(corrected.after.snapshot(), seen) == []
    corrected.after.stop()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_a_run_killed_at_a_random_time_ends_like_an_undisturbed_one(
    fresh: Place, undisturbed: Place, seed: int
) -> None:
    chance = random.Random(f"twenty {seed}")
    begun = time.monotonic()
    victim = fresh.begin("run", "--as-of", AS_OF)
    # A run takes as long as the machine lets it: kill after a step that is drawn, and then a little later.
    steps = chance.randint(0, 4)
    while victim.poll() is None and sum("✓" in line or "!" in line for line in victim.progress()) < steps:
        time.sleep(0.05)
    time.sleep(chance.uniform(0, 3))
    victim.kill()
    moment = time.monotonic() - begun
    victim.communicate(timeout=30)
    free_the_lease(fresh)
    fresh.command("run", "--as-of", AS_OF)
    assert differences(undisturbed.snapshot(), fresh.snapshot()) == [], f"killed {moment:.1f} s after its start"
