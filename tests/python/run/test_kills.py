"""A run that is killed (SIGKILL) at a random moment, and run again, ends like an undisturbed one."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from run.environment import AS_OF, Place, differences


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
    place.command("run", "--as-of", AS_OF)
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
