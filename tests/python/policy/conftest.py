"""A policy of the project's own seed files, and a copy of them to spoil."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from incident_ledger.policy import Policy, load_files

SEEDS = Path(__file__).resolve().parents[3] / "seeds" / "policy"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
Spoil = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The playbook as it is shipped."""
    return load_files(SEEDS)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the seed files that a test may change."""
    return Path(shutil.copytree(SEEDS, tmp_path / "project" / "seeds" / "policy"))


@pytest.fixture
def change(seeds: Path) -> Spoil:
    """Replace one text of a seed file, which must be there; with an empty old text, append a line."""

    def replace(table: str, old: str, new: str) -> None:
        path = seeds / f"{table}.csv"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else f"{text}{new}\n")

    return replace
