"""What dbt does when models are named one by one."""

from incident_ledger.dbt_runner import Dbt
from incident_ledger.warehouse import Warehouse


def test_a_model_that_is_built_by_its_name_runs_no_unit_test(ledger: Warehouse) -> None:
    results = Dbt(ledger.settings, ledger.endpoint).build_exactly(["incident_state"])
    assert [(result.unique_id, result.status) for result in results] == [
        ("model.incident_ledger.incident_state", "success")
    ]
