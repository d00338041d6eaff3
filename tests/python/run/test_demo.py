"""`make demo`'s own command: the story ends as described, and other people's data is not touched."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.demo import incidents, usage
from incident_ledger.demo.story import _BROKEN, DAYS, SEED, day_of, morning
from incident_ledger.quality.rates import fraction_text
from run.environment import Place

DAY = date(2026, 3, 5)  # of README's screen, a Thursday
AN_HOUR = timedelta(hours=1)


class PlaceWithPages(Place):
    """A place each of whose runs writes the dashboards' pages."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"INCIDENT_LEDGER_PAGES": str(self.folder / "pages")}


def test_the_demo_shows_what_broke_who_answers_who_was_notified_and_how_long_it_takes_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of today's morning: README's screen, moved to that day, and then what a new user asks of it."""
    monkeypatch.setenv("COLUMNS", "100")  # README's width
    place = Place(tmp_path)
    began = datetime.now(UTC)
    screen = place.command("demo")
    listed = place.json("incident", "list")
    day = date.fromisoformat(max(each["detection_time"] for each in listed)[:10])
    assert day in {day_of(began), day_of(datetime.now(UTC))}
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"incident-ledger incident show (\S+)", readme)
    shown = place.command("incident", "show", example.replace(f"{DAY:%Y%m%d}", f"{day:%Y%m%d}"))
    assert f"INC-{day:%Y%m%d}T08" in shown
    (query,) = re.findall(r'incident-ledger sql "(.*)"', screen)
    assert len(place.command("sql", "--format", "csv", query).splitlines()[0].split(",")) == 5
    assert _words(readme.partition("```text\n")[2].partition("```")[0], DAY) == _words(
        screen.partition("Where to look next")[0], day
    )
    (index,) = re.findall(r"(\S+index\.html)   the dashboards", screen)
    pages = {path.name for path in Path(index).parent.glob("*.html")}
    assert {"index.html", "system-health.html", f"incident-{listed[0]['incident_id']}.html"} < pages
    assert [path.name for path in Path(index).parent.glob("*.html") if '"error":"' in path.read_text("utf-8")] == []
    assert "--as-of" not in screen  # its hints are for the clock as it is
    assert sorted(each["severity_level"] for each in listed) == ["P1", "P1", "P2", "P2"]
    assert [each["reopen_count"] for each in listed if each["reopen_count"]] == [1]
    assert "_is_given" not in screen  # words, no names of rules
    assert "acknowledged 07:09 by Maya Lindqvist" in screen
    assert "not acknowledged: OVERDUE since 08:00" in screen
    assert "the vendor is at work on it" in screen
    assert "[INCIDENT-P2] Update due: user_email" in screen
    assert len(list((tmp_path / "local" / "outbox").glob("*.eml"))) == 10
    assert (tmp_path / "local" / "demo" / "07-00" / "anthropic_usage").is_dir()

    # The playbook's own query, and a run by the clock, find incidents of these days.
    playbook = PROJECT_DIR / "analyses" / "playbook" / "operational_metrics_last_30_days.sql"
    metrics = playbook.read_text(encoding="utf-8").replace("FROM ", "FROM ai_usage_prod.")
    rows = json.loads(place.command("sql", "--format", "json", metrics))
    assert {each["incident_id"] for each in listed} < {row["incident_id"] for row in rows}
    assert sum(row["mttr_minutes"] is not None for row in rows) > 5
    report = PlaceWithPages(tmp_path).json("run")
    place.stop()
    assert report["steps"][-1]["step"] == "pages"
    assert report["steps"][-1]["detail"] == {"folder": str(tmp_path / "pages"), "failed": {}}
    pages = {path.stem: path.read_text("utf-8") for path in (tmp_path / "pages").glob("*.html")}
    times = set(re.findall(r'Data as of <time datetime="([^"]+)"', pages["incident-review"] + pages["data-quality"]))
    assert {datetime.fromisoformat(each) for each in times} == {datetime.fromisoformat(report["as_of"])}
    still = {each["incident_id"]: each for each in report["open_incidents"]}
    assert {each["incident_id"] for each in listed} <= still.keys()
    oldest = min(datetime.fromisoformat(each["detection_time"]) for each in still.values())
    assert datetime.now(UTC) - oldest < 30 * AN_HOUR


def _words(screen: str, day: date) -> list[str]:
    """A screen's words. What differs from day to day is named and not shown: dates, and the shares of few records."""
    text = " ".join(screen.split()).replace(f"{day:%Y%m%d}", "DAY").replace(str(day - timedelta(days=1)), "YESTERDAY")
    text = text.replace(f"{day - timedelta(days=2):%Y%m%d}", "EARLIER")
    text = text.replace(str(day + timedelta(days=1)), "TOMORROW")
    text = re.sub(r"is missing: [^…]*?(…| of YESTERDAY)", "is missing: SHARE", text)
    return re.sub(r"event_at is \S+( \d\S*)?( UTC)?", "event_at is TIME", text).split()  # some are cut at the width


def test_readme_has_the_numbers_of_the_demo_of_its_day(tmp_path: Path) -> None:
    """Those that depend on the day, counted in the files of that day."""
    files = usage.generate(tmp_path, seed=SEED, end_day=DAY - timedelta(days=1), days=DAYS, rates=_BROKEN)
    yesterday = f"{DAY - timedelta(days=1)}T"
    reports = [json.loads(file.read_bytes()) for file in files["anthropic_usage"]]
    (results,) = (
        each["results"] for page in reports for each in page["data"] if each["starting_at"].startswith(yesterday)
    )
    people = [record for record in _records(files["claude_code"], "data") if record["date"].startswith(yesterday)]
    newest = max(int(each["timestamp"]) for each in _records(files["cursor_events"], "usageEvents"))
    without_output = fraction_text(sum("output_tokens" not in each for each in results), len(results))
    actors = [each["actor"] for each in people for _ in each["model_breakdown"]]  # a record is of one model
    nameless = fraction_text(sum("email_address" not in actor for actor in actors), len(actors))
    time = datetime.fromtimestamp(newest / 1000, UTC)
    readme = " ".join((PROJECT_DIR / "README.md").read_text(encoding="utf-8").split())
    table = "in ai_usage_prod_staging.stg"
    assert f"output_tokens is missing: {without_output} {table}_anthropic__usage of {yesterday[:-1]}" in readme
    assert f"user_email is missing: {nameless} {table}_anthropic__claude_code of {yesterday[:-1]}" in readme
    assert f"the newest event_at is {time:%Y-%m-%d %H:%M} UTC, which is out of range {table}_cursor__events" in readme


def _records(files: list[Path], name: str) -> list[dict[str, Any]]:
    return [record for file in files for line in file.read_text().splitlines() for record in json.loads(line)[name]]


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
