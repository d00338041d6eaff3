"""What dbt does when models are named one by one."""

import pytest

from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.warehouse import Warehouse


def test_a_model_that_is_built_by_its_name_runs_no_unit_test(ledger: Warehouse) -> None:
    results = Dbt(ledger.settings, ledger.endpoint).build_exactly(["incident_state"])
    assert [(result.unique_id, result.status) for result in results] == [
        ("model.incident_ledger.incident_state", "success")
    ]


@pytest.mark.parametrize(("status", "is_done"), [("success", True), ("pass", True), ("warn", True), ("fail", False)])
def test_a_data_test_that_only_warns_is_asked_as_seldom_as_one_that_passes(status: str, is_done: bool) -> None:
    result = NodeResult("test.incident_ledger.a", status, "", seconds=0.1, failures=3)
    assert (result.is_success, result.is_failed_test, result.is_error) == (is_done, not is_done, False)
