"""The seed files put into the warehouse, while no run reads the tables that they replace; and the policy read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from incident_ledger import policy
from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.errors import UserError
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import Policy
from incident_ledger.runner.lease import BUILD, with_lease
from incident_ledger.warehouse import Warehouse


def load_seeds(warehouse: Warehouse, files: Policy, now: datetime) -> list[NodeResult]:
    """How dbt's seeds and their tests ended. The lease is as long as `files` say."""
    with with_lease(warehouse, BUILD, files, now, who="policy load"):
        return Dbt(warehouse.settings, warehouse.endpoint).build(["path:seeds/policy"])


def load_beside_setup(warehouse: Warehouse) -> Policy:
    """The policy of a warehouse whose tables are all there by then: both are asked for at once.

    Where either is not there yet, the policy is read once more when it is.
    """
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(policy.load, warehouse, patience=0)
        ensure_ledger(warehouse)
    try:
        return reading.result()
    except UserError:
        return policy.load(warehouse)
