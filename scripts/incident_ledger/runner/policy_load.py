"""The seed files put into the warehouse, while no run reads the tables that they replace."""

from datetime import datetime

from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.policy import Policy
from incident_ledger.runner.lease import BUILD, with_lease
from incident_ledger.warehouse import Warehouse


def load_seeds(warehouse: Warehouse, files: Policy, now: datetime) -> list[NodeResult]:
    """How dbt's seeds and their tests ended. The lease is as long as `files` say."""
    with with_lease(warehouse, BUILD, files, now, who="policy load"):
        return Dbt(warehouse.settings, warehouse.endpoint).build(["path:seeds/policy"])
