"""`make demo`'s own command: the story ends as told, and other people's data is not touched."""

import re
from pathlib import Path

from conftest import PROJECT_DIR
from incident_ledger.demo import incidents
from incident_ledger.demo.story import MORNING
from run.place import Place


def test_the_demo_shows_what_broke_who_was_told_and_how_long_it_takes(tmp_path: Path) -> None:
    place = Place(tmp_path)
    screen = place.command("demo")
    listed = place.json("incident", "list", "--as-of", "2026-03-05T09:00Z")
    readme = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"incident-ledger incident show (\S+)", readme)
    assert f"INC-{example}" in place.command("incident", "show", example)
    place.stop()
    assert sorted(each["severity_level"] for each in listed) == ["P1", "P1", "P2", "P2"]
    assert [each["reopen_count"] for each in listed if each["reopen_count"]] == [1]
    assert "(reopened 09:00)" in screen
    assert screen.index("What is broken now") < screen.index("Who was told") < screen.index("Minutes from detection")
    assert screen.count("Engineering + Finance") == 4  # begun, ended, begun again; and the vendor's P1
    assert screen.count("Engineering team ") == 2
    assert len(list((tmp_path / "local" / "outbox").glob("*.eml"))) == 6
    assert (tmp_path / "local" / "demo" / "07-00" / "anthropic_usage").is_dir()


def test_the_demo_does_not_replace_other_data(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "local" / "data").mkdir(parents=True)
    with place.begin("demo") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "holds data of your own" in said


def test_the_same_seed_gives_the_same_incidents(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        incidents.generate(tmp_path / name, seed=7, end=MORNING[-1])
    one, two = ((tmp_path / name / "statuspage_incidents.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two
