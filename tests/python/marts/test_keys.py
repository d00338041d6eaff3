"""The keys of models that are views of all events, checks or messages: a data test would read them all each time."""

import pytest

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import NOTIFICATIONS, SETTLED_INCIDENTS
from marts.conftest import AS_OF, Cases
from marts.keys import KEYS
from marts.ledger import Ledger


@pytest.fixture(scope="module")
def warehouse(cases: Cases) -> Warehouse:
    """The ledger of cases, with a message of an incident by two channels; it was settled once."""
    warehouse = cases.ledger.warehouse
    message = {
        "message_id": "m", "event_id": "e", "template": "critical", "audience": "a", "recipients": "r", "subject": "s",
        "body_text": "t", "created_at": AS_OF, "status": "sent", "attempts": 1,
    }  # fmt: skip
    incident = cases.ledger.rows("incident_state")[0]["incident_id"]
    insert_rows(
        warehouse, NOTIFICATIONS, [message | {"incident_id": incident, "channel": channel} for channel in ("a", "b")]
    )
    insert_rows(warehouse, SETTLED_INCIDENTS, [{"incident_id": incident}])
    return warehouse


def rows_and_keys(warehouse: Warehouse, model: str) -> tuple[int, int]:
    """How many rows a model has, and how many different keys without a null."""
    settings = warehouse.settings
    dataset = settings.dataset if model.startswith(("dim_", "fct_", "rpt_")) else settings.staging_dataset
    is_given = " and ".join(f"{column} is not null" for column in KEYS[model])
    (row,) = warehouse.rows(
        f"select count(*) as row_count, (select count(*) from (select distinct {', '.join(KEYS[model])} "
        f"from {warehouse.name(dataset, model)} where {is_given})) as key_count "
        f"from {warehouse.name(dataset, model)}"
    )
    return row["row_count"], row["key_count"]


@pytest.mark.parametrize("model", KEYS)
def test_each_row_has_a_key_of_its_own(model: str, warehouse: Warehouse) -> None:
    rows, keys = rows_and_keys(warehouse, model)
    assert rows == keys > 0


@pytest.mark.parametrize("model", [model for model in KEYS if model.startswith("int_")])
def test_each_row_of_the_real_archive_has_a_key_of_its_own(model: str, archive: Ledger) -> None:
    rows, keys = rows_and_keys(archive.warehouse, model)
    assert rows == keys
