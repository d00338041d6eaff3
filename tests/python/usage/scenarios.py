"""Small stories, each in a year of its own, that share four builds: building is slow and their days do not touch.

A story says what is loaded before the first build and what before the second; a third build finds nothing new, and a
fourth builds everything again. Tests look at the rows of their year after each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Rows = list[dict[str, Any]]


class Load:
    """One call of `load usage` with one file."""

    def __init__(self, source: str, *answers: Any, name: str | None = None, at: datetime | None = None) -> None:
        self.source = source
        self.answers = answers
        self.name = name
        self.at = at


@dataclass(frozen=True)
class Story:
    """What is loaded, and in which year its days are."""

    year: int
    first: Sequence[Load]
    then: Sequence[Load]


STORIES: list[Story] = []


def story(year: int, *first: Load, then: Sequence[Load] = ()) -> int:
    """Add a story; its year."""
    assert all(other.year != year for other in STORIES), f"the year {year} is taken"
    STORIES.append(Story(year, first, then))
    return year


@dataclass
class Outcome:
    """Rows of fct_usage_daily after each build, and what each load reported, by year."""

    first: dict[int, Rows]
    then: dict[int, Rows]
    nothing_new: dict[int, Rows]
    everything: dict[int, Rows]
    reports: dict[int, list[Any]]
    statements: list[str]
