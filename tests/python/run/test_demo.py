"""`make demo`'s own command: the story ends as described, and other people's data is not touched."""

import re
from datetime import date, datetime
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.demo import incidents
from incident_ledger.demo.story import day_of, morning
from run.environment import Place

DAY = "2026-03-05"


def test_the_demo_shows_what_broke_who_answers_who_was_notified_and_how_long_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")  # README's width
    place = Place(tmp_path)
    screen = place.command("demo", "--date", DAY)
    listed = place.json("incident", "list", "--as-of", f"{DAY}T09:00Z")
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"incident-ledger incident show (\S+)", readme)
    assert f"INC-{example}" in place.command("incident", "show", example)
    (query,) = re.findall(r'incident-ledger sql "(.*)"', screen)
    assert len(place.command("sql", "--format", "csv", query).splitlines()[0].split(",")) == 5
    place.stop()
    shown = readme.partition("```text\n")[2].partition("```")[0]
    assert _lines(shown) == _lines(screen.partition("Where to look next")[0])
    assert sorted(each["severity_level"] for each in listed) == ["P1", "P1", "P2", "P2"]
    assert [each["reopen_count"] for each in listed if each["reopen_count"]] == [1]
    assert "_is_given" not in screen  # words, no names of rules
    assert "acknowledged 07:09 by Maya Lindqvist" in screen
    assert "not acknowledged: OVERDUE since 08:00" in screen
    assert "the vendor is at work on it" in screen
    assert len(list((tmp_path / "local" / "outbox").glob("*.eml"))) == 6
    assert (tmp_path / "local" / "demo" / "07-00" / "anthropic_usage").is_dir()


def _lines(screen: str) -> list[str]:
    """A screen's lines, without the spaces between columns and at the ends."""
    return [" ".join(line.split()) for line in screen.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-03-05T08:59:59+00:00", "2026-03-04"),
        ("2026-03-05T09:00:00+00:00", "2026-03-05"),
        ("2026-03-05T23:59:00+00:00", "2026-03-05"),
        ("2026-03-05T23:59:00-05:00", "2026-03-05"),  # 04:59 UTC of the next day
    ],
)
def test_the_morning_is_the_last_one_that_is_over(now: str, day: str) -> None:
    assert day_of(datetime.fromisoformat(now)) == date.fromisoformat(day)


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "9999-01-01", "1969-01-01"])
def test_a_day_that_cannot_be_is_refused(day: str, tmp_path: Path) -> None:
    Place(tmp_path).command("demo", "--date", day, expect=(2,))
    assert not (tmp_path / "local").exists()


def test_the_demo_does_not_replace_other_data(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "local" / "data").mkdir(parents=True)
    with place.begin("demo") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "holds data of your own" in errors


def test_the_same_seed_gives_the_same_incidents(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        incidents.generate(tmp_path / name, seed=7, end=morning(date(2026, 3, 5))[-1])
    one, two = ((tmp_path / name / "statuspage_incidents.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two
