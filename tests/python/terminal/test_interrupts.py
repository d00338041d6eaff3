"""Ctrl-C waits for the end of an import, which it would otherwise leave half done and locked."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import PROJECT_DIR

MODULE = """
import os, signal
os.kill(os.getpid(), signal.SIGINT)  # a person changes their mind
whole = True
"""
PROGRAM = """
import signal, time
signal.signal(signal.SIGINT, signal.ANSWER)
from incident_ledger.interrupts import handle_interrupts
handle_interrupts()
try:
    import chosen
    time.sleep(TIME)
    print("went on")
except KeyboardInterrupt:
    print("stopped", chosen.whole)
"""


def output(folder: Path, *, seconds: float, answer: str = "default_int_handler") -> str:
    (folder / "chosen.py").write_text(MODULE)
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("TIME", str(seconds)).replace("ANSWER", answer)],
        env={**os.environ, "PYTHONPATH": f"{PROJECT_DIR / 'scripts'}:{folder}"},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def test_an_interrupt_in_an_import_comes_after_it(tmp_path: Path) -> None:
    assert output(tmp_path, seconds=30) == "stopped True\n"


def test_a_process_that_was_started_to_ignore_interrupts_still_does(tmp_path: Path) -> None:
    assert output(tmp_path, seconds=0.2, answer="SIG_IGN") == "went on\n"


LOST = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from incident_ledger.interrupts import handle_interrupts
handle_interrupts()
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
try:
    Finalized()
    time.sleep(30)
    print("went on")
except KeyboardInterrupt:
    print("stopped")
"""


def test_an_interrupt_that_a_finalizer_loses_is_raised_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOST],
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR / "scripts")},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "Exception ignored" in done.stderr
    assert done.stdout == "stopped\n"
