"""Hostile inputs for every reader: no traceback, none that takes 10 s or 1 GB. `make soak` tries 10,000 in all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from reading.hostile import READERS, read, search

IN_ALL = 10_000


@pytest.mark.parametrize("name", READERS)
def test_a_hostile_file_is_an_error_in_words(name: str) -> None:
    search(name, 12)


@pytest.mark.parametrize("column", ["-99999999999999999999", "true", '{"a": 1}', "[[1]]", "[]"])
def test_a_column_of_a_rule_that_is_no_text_is_a_finding(column: str, tmp_path: Path) -> None:
    rule = f'{{"type": "expect_column_values_to_not_be_null", "kwargs": {{"column": {column}}}}}'
    read("suite", f'{{"name": "t", "expectations": [{rule}]}}'.encode(), tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_hostile_files_are_errors_in_words(name: str) -> None:
    folders = [str(PROJECT_DIR / "scripts"), str(PROJECT_DIR / "tests" / "python")]
    command = [sys.executable, "-m", "reading.hostile", name, str(IN_ALL // len(READERS) + 1)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=3_600)
    assert done.returncode == 0, done.stderr[-5_000:]
