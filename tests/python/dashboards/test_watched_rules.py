"""The card of what is watched: each rule of the policy by whether what it looks at arrives."""

import csv
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger.dashboards.definition import FOLDER
from incident_ledger.dbt_runner import Dbt
from incident_ledger.warehouse import Warehouse, connect

AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
# The columns that the query reads, each with its type, and the rows of something that arrived at a time.
TABLES = {
    "fct_api_health": ("probed_at timestamp", "{at}"),
    "fct_usage_freshness": ("last_loaded_at timestamp", "{at}"),
    "fct_signals": ("source string, observed_at timestamp", "'pipeline', {at}), ('log_arrivals', {at}"),
    "rpt_pipeline_activity": ("happened_at timestamp, activity_day date", "{at}, date({at})"),
    "rpt_security_activity": (
        "activity_key string, happened_at timestamp, activity_day date", "'admin:a', {at}, date({at})",
    ),
    "rpt_key_rotation": ("inventory_at timestamp", "{at}"),
    "fct_dbt_results": ("completed_at timestamp", "{at}"),
    "rpt_data_quality_by_data_day": ("last_checked_at timestamp", "{at}"),
}  # fmt: skip
# By table the rules that look at it.
RULES = {
    "fct_api_health": {
        "all_dashboards_unavailable", "probes_missing", "api_authentication_failures", "single_api_degradation",
        "non_critical_alert",
    },
    "fct_usage_freshness": {"financial_data_loss", "usage_volume_missing", "rows_rejected"},
    "fct_signals": {"complete_pipeline_failure", "partial_pipeline_failure", "logs_missing"},
    "rpt_pipeline_activity": {"performance_issues"},
    "rpt_security_activity": {"security_breach"},
    "rpt_key_rotation": {"key_rotation_due"},
    "fct_dbt_results": {
        "dbt_node_failed", "dbt_test_failed", "dbt_source_stale", "dbt_test_warned", "dbt_source_late",
    },
    "rpt_data_quality_by_data_day": {"monitoring_system_failure", "data_quality_failures", "data_quality_issues"},
}  # fmt: skip
Watched = Callable[[Mapping[str, datetime]], set[str]]


@pytest.fixture(scope="module")
def watched(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """The rules that the card calls watched where these tables have a row of these times."""
    warehouse: Warehouse = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("watched")))
    for dataset in (warehouse.settings.dataset, warehouse.settings.policy_dataset):
        warehouse.execute(f"create schema `{warehouse.settings.project}.{dataset}`")
    for name, (columns, _) in TABLES.items():
        warehouse.execute(f"create table {warehouse.mart(name)} ({columns})")
    rules = warehouse.name(warehouse.settings.policy_dataset, "classification_rules")
    with (PROJECT_DIR / "seeds" / "policy" / "classification_rules.csv").open(newline="") as file:
        rows = [f"('{row['rule_id']}', '{row['severity_level']}', '{row['detector']}')" for row in csv.DictReader(file)]
    warehouse.execute(
        f"create table {rules} (rule_id string, severity_level string, detector string, characteristic string, "
        "valid_from timestamp)"
    )
    warehouse.execute(f"insert into {rules} (rule_id, severity_level, detector) values {', '.join(rows)}")
    query = Dbt(warehouse.settings, warehouse.endpoint).analyses(FOLDER.as_posix())["rules_watched"]

    def ask(arrived: Mapping[str, datetime]) -> set[str]:
        for name, (columns, values) in TABLES.items():
            warehouse.execute(f"delete from {warehouse.mart(name)} where true")
            if name in arrived:
                names = ", ".join(column.split()[0] for column in columns.split(", "))
                row = values.format(at=f"timestamp '{arrived[name]:%Y-%m-%d %H:%M:%S}+00'")
                warehouse.execute(f"insert into {warehouse.mart(name)} ({names}) values ({row})")
        found = warehouse.rows(query, {"as_of": AS_OF})
        assert len(found) == len(rows)
        assert {row["watch_state"] for row in found} <= {"watched", "not watched"}
        return {row["rule_id"] for row in found if row["watch_state"] == "watched"}

    return ask


def test_each_rule_looks_at_something_and_without_it_is_not_watched(watched: Watched) -> None:
    assert watched({}) == set()
    every = dict.fromkeys(TABLES, AS_OF)
    assert watched(every) == set().union(*RULES.values())
    for table, rules in RULES.items():
        assert watched(every) - watched({name: at for name, at in every.items() if name != table}) == rules


def test_what_arrived_a_week_ago_is_not_watched_and_probes_not_after_an_hour(watched: Watched) -> None:
    def since(age: timedelta) -> set[str]:
        return watched(dict.fromkeys(TABLES, AS_OF - age))

    second = timedelta(seconds=1)
    assert since(HOUR - second) == set().union(*RULES.values())
    assert since(HOUR) == set().union(*RULES.values()) - RULES["fct_api_health"]
    assert since(WEEK - second) == since(HOUR)
    assert since(WEEK) == set()
