"""What earlier versions had by another name goes with the build that replaces it, and nothing else does."""

from collections.abc import Iterator

import pytest

from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.warehouse import Warehouse, connect
from relay import Relay, failed

BUILT = ("int_incident_durations_by_period", "fct_notifications", "severity_caps")
NEEDED = ("+int_incident_durations_by_period", "+fct_notifications", "severity_caps")


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    """What is sent to the warehouse, noted."""
    with Relay(endpoint) as relay:
        yield relay


def build(warehouse: Warehouse, *select: str) -> list[NodeResult]:
    """Models and seeds, without their tests."""
    dbt = Dbt(warehouse.settings, warehouse.endpoint)
    return dbt.invoke(["build", "--select", *select, "--exclude-resource-type", "test", "unit_test"])


def test_a_build_drops_what_it_replaced_by_another_name_and_sends_nothing_where_nothing_is(
    relay: Relay, ledger: Warehouse
) -> None:
    warehouse = connect(ledger.settings.model_copy(update={"api_endpoint": relay.endpoint}))
    settings = warehouse.settings
    build(warehouse, *NEEDED)
    old = {
        (settings.staging_dataset, "int_incidents_said"): "view",
        (settings.staging_dataset, "stg_usage__records"): "view",
        (settings.dataset, "rpt_incident_times"): "table",
        (settings.policy_dataset, "rule_severity"): "table",
    }
    others = {(settings.raw_dataset, "rule_severity"): "table", (settings.dataset, "int_incidents_said"): "table"}

    def there() -> set[tuple[str, str]]:
        return {name for name in (*old, *others) if warehouse.table_exists(*name)}

    for (dataset, name), kind in (old | others).items():
        warehouse.execute(f"create {kind} {warehouse.name(dataset, name)} as select 1 as one")
    build(warehouse, "stg_ledger__notifications", "incident_state")  # what reads the old ones may not be built yet
    assert there() == {*old, *others}

    relay.rule(lambda request: "fct_notifications" in request.query, failed(403, "accessDenied", "not yours"), times=1)
    assert [node.name for node in build(warehouse, *BUILT) if node.is_error] == ["fct_notifications"]
    assert there() == {*old, *others}

    assert {node.name for node in build(warehouse, *BUILT)} == set(BUILT)
    assert there() == set(others)

    relay.requests.clear()
    build(warehouse, *BUILT)
    assert relay.requests
    named = [f"{each.path} {each.query}" for each in relay.requests]
    assert [text for text in named if any(name in text for _, name in old)] == []
    warehouse.close()
