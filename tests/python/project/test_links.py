"""What the documents point at is there: links, and the files and folders that they name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import PROJECT_DIR

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "analyses/README.md",
    "analyses/local_warehouse.md",
    "tests/gx/README.md",
)
# What a person has after a first run, and what a vendor calls an answer of its own.
NO_FILES = {".local/token", "summary.json", "unresolved.json"}
PACKAGE = PROJECT_DIR / "scripts" / "incident_ledger"
SHAPE = re.compile(r"[A-Za-z.][\w.-]*(?:/[\w.-]*)+|\w+\.(?:md|json|yml|csv|toml|sql|py)")


def missing(document: Path, text: str) -> Iterator[str]:
    """Links without a file (or a heading, or a web address), and names in backticks that look like one and are none."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = document.parent / path if path else document
        if not file.exists() or (heading and heading not in headings(text if not path else file.read_text())):
            yield target
    for name in re.findall(r"`([^`\n]+)`", prose):
        places = (PROJECT_DIR, document.parent, PACKAGE, PROJECT_DIR / "seeds" / "policy")
        if SHAPE.fullmatch(name) and name not in NO_FILES and not any((place / name).exists() for place in places):
            yield name


def headings(text: str) -> set[str]:
    """As a link names them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_a_document_points_at_is_there(name: str) -> None:
    document = PROJECT_DIR / name
    assert list(missing(document, document.read_text(encoding="utf-8"))) == []


def test_a_file_that_is_not_there_is_found() -> None:
    text = "`tests/gx/GONE.md` [a](no.md) [b](README.md#nowhere) [c](README.md#two-commands) [d](https://x.example)"
    assert list(missing(PROJECT_DIR / "x.md", text)) == ["no.md", "README.md#nowhere", "tests/gx/GONE.md"]


def test_readme_names_the_guide_of_suites() -> None:
    assert "`tests/gx/README.md`" in (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
