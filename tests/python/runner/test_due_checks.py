"""Which suites a run checks: of tables that no dbt model builds, checked, changed, broken and mended."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incident_ledger import policy
from incident_ledger.dbt_runner import Dbt
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.suites import load_folders
from incident_ledger.runner.build import Builds
from incident_ledger.runner.due_checks import DueChecks
from incident_ledger.warehouse import Warehouse
from openings import open_incident
from quality.helpers import NOW, make_table, not_null, rule
from reused import Reused

HOUR = timedelta(hours=1)
FRESH = rule("expect_column_max_to_be_between", column="seen_at", min_value={"$PARAMETER": "as_of - 210 minutes"})
EVERY = ["fresh", "other", "steady", "view"]


@pytest.fixture(scope="module")
def place(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A ledger, a folder of suites, and the tables that they check."""
    folder = tmp_path_factory.mktemp("suites")
    warehouse = reused.like_new(folder, suites=str(folder))
    for table in ("steady", "other"):
        make_table(warehouse, table, f"select 1 as id, timestamp '{NOW:%Y-%m-%d %H:%M:%S}+00' as seen_at")
    warehouse.execute(f"create view {warehouse.mart('seen')} as select * from {warehouse.mart('steady')}")
    write(warehouse, "steady", "steady", not_null("id"))
    write(warehouse, "other", "other", not_null("id"))
    write(warehouse, "view", "seen", not_null("id"))
    write(warehouse, "fresh", "steady", FRESH)
    return warehouse


def write(place: Warehouse, name: str, table: str, *rules: dict[str, Any]) -> None:
    (folder,) = place.settings.suite_dirs
    content = {"name": name, "meta": {"table": table}, "expectations": list(rules)}
    (folder / f"{name}.json").write_text(json.dumps(content))


@pytest.fixture
def checked(place: Warehouse) -> Callable[..., list[str]]:
    """The suites that a run of some time checks, and records."""

    dbt = Dbt(place.settings, place.endpoint)

    def run(at: datetime, *, is_full: bool = False, is_recorded: bool = True) -> list[str]:
        builds = Builds(place, dbt, at, is_full=is_full)
        rules = policy.load(place)
        due = DueChecks(place, builds, rules, at)
        suites = load_folders(place.settings, due.metas)
        batches = check_all(place, rules, run_id=f"{at}", now=at, suites=suites)
        if is_recorded:
            due.note(batches)
            builds.write()
        assert due.unchanged + len(due.metas) == len(EVERY)
        return sorted(Path(suite.file).stem for suite in suites)

    return run


def test_a_suite_is_checked_again_when_what_it_depends_on_changed(
    place: Warehouse, checked: Callable[..., list[str]]
) -> None:
    other, thresholds = place.mart("other"), place.name(place.settings.policy_dataset, "quality_thresholds")

    assert checked(NOW, is_recorded=False) == EVERY  # it died before its results were recorded
    assert checked(NOW) == EVERY
    assert checked(NOW) == checked(NOW + HOUR) == ["view"]  # what a view of others reads is not known

    place.execute(f"insert into {other} (id, seen_at) values (null, current_timestamp())")
    assert checked(NOW + 2 * HOUR) == ["other", "view"]
    # It found something, and would find the same; once somebody acted, it is checked again.
    assert checked(NOW + 3 * HOUR) == ["view"]
    open_incident(place, "other", NOW)
    assert checked(NOW + 3 * HOUR) == ["other", "view"]
    place.execute(f"delete from {other} where id is null")
    # Its newest record is too old by now.
    assert checked(NOW + 4 * HOUR) == ["fresh", "other", "view"]
    assert checked(NOW + 5 * HOUR) == ["view"]

    write(place, "fresh", "steady", not_null("id"))
    assert checked(NOW + 6 * HOUR) == ["fresh", "view"]
    assert checked(NOW + 7 * HOUR) == ["view"]
    assert checked(NOW + 7 * HOUR, is_full=True) == EVERY
    place.execute(f"update {thresholds} set min_examined = min_examined where true")
    assert checked(NOW + 8 * HOUR) == EVERY
    assert checked(NOW + 9 * HOUR) == ["view"]
    assert checked(NOW + timedelta(days=1)) == EVERY
