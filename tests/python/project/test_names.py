"""Names that a machine can hold: one meaning a file name, no words without meaning. Models: `test_project_rules`."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from conftest import PROJECT_DIR

PACKAGE = PROJECT_DIR / "scripts" / "incident_ledger"
# Every package has these. A module of `cli` is named by its command, and shows the module of that name.
SHARED_NAMES = {"__init__", "__main__"}

BANNED = re.compile(r"\b(said|tell|tells|told|telling|mended|anew|speaks|speaking)\b", re.IGNORECASE)
# The playbook's own words.
QUOTATIONS = ("playbook's words",)
READ = ("models", "macros", "seeds", "tests/dbt", "analyses", "scripts", "dbt_project.yml", "selectors.yml")
KINDS = {".sql", ".yml", ".csv", ".md", ".py", ".json"}


def shared_names(paths: Iterable[Path]) -> set[str]:
    """File names that more than one module of the package has, those of commands left out."""
    found = Counter(path.stem for path in paths if path.parts[0] != "cli")
    return {name for name, modules in found.items() if modules > 1} - SHARED_NAMES


def banned_words(text: str) -> list[str]:
    """Lines with a word that carries no meaning, with their numbers."""
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if BANNED.search(line) and not any(words in line for words in QUOTATIONS)
    ]


def files() -> list[Path]:
    """What is held to the words, relative to the project."""
    found = [path for name in READ for path in [PROJECT_DIR / name, *(PROJECT_DIR / name).rglob("*")]]
    paths = [path.relative_to(PROJECT_DIR) for path in found if path.suffix in KINDS]
    return sorted(paths)


def test_a_file_name_means_one_thing() -> None:
    assert shared_names(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")) == set()


def test_a_file_name_with_two_meanings_is_found() -> None:
    paths = ["load.py", "usage/load.py", "cli/outbox.py", "notify/outbox.py", "__init__.py", "usage/__init__.py"]
    assert shared_names(map(Path, paths)) == {"load"}


def test_words_that_carry_no_meaning_are_out() -> None:
    found = {str(path): banned_words((PROJECT_DIR / path).read_text(encoding="utf-8")) for path in files()}
    assert {path: lines for path, lines in found.items() if lines} == {}
    assert len(found) > 100


@pytest.mark.parametrize("line", ["said as (", "-- Who is told.", "Mended since.", "# It tells of itself."])
def test_a_word_that_carries_no_meaning_is_found(line: str) -> None:
    assert banned_words(f"select 1\n{line}") == [f"2: {line}"]


def test_a_name_that_has_such_a_word_in_it_is_left_alone() -> None:
    assert banned_words("retell, toldo, untold_story") == []
