"""Hostile inputs for every reader: no traceback, none that takes 10 s or 1 GB. `make soak` tries 10,000 in all."""

import os
import subprocess
import sys

import pytest

from conftest import PROJECT_DIR
from reading.hostile import READERS, search

IN_ALL = 10_000


@pytest.mark.parametrize("name", READERS)
def test_a_hostile_file_is_an_error_in_words(name: str) -> None:
    search(name, 12)


@pytest.mark.soak
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_hostile_files_are_errors_in_words(name: str) -> None:
    folders = [str(PROJECT_DIR / "scripts"), str(PROJECT_DIR / "tests" / "python")]
    command = [sys.executable, "-m", "reading.hostile", name, str(IN_ALL // len(READERS) + 1)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=3_600)
    assert done.returncode == 0, done.stderr[-5_000:]
