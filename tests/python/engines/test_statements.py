"""The statements that the tests send: what was recorded is accepted, and a wrong one would be found."""

from collections.abc import Iterator

import pytest

from conftest import fresh_settings
from engines.recorder import Recorder, assert_accepted, expected_to_be_refused
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.client import Client


@pytest.fixture
def second(warehouse: Warehouse) -> Iterator[Recorder]:  # noqa: ARG001  # its tables are made before anything is recorded
    """A record beside the session's, so that what is wrong on purpose stays in it."""
    with expected_to_be_refused(), Recorder().watch(Client) as made:
        yield made


def test_statements_that_bigquery_takes_are_accepted(second: Recorder, warehouse: Warehouse) -> None:
    leases = warehouse.raw("leases")
    warehouse.execute(
        f"insert into {leases} (name, holder, until) values (@name, 'x', timestamp '2024-01-01')", {"name": "a"}
    )
    warehouse.rows(f"select name from {leases} where name in unnest(@names)", {"names": ["a", "b"]})
    warehouse.rows("select @days + 1 as days", {"days": 1})
    assert len(second.statements) == 3
    assert second.refused() == []
    assert second.statements == {}


@pytest.mark.parametrize(
    ("sql", "params", "words"),
    [
        ("select '1' = 1", {}, "No matching signature for operator ="),
        ("delete from {leases}", {}, "WHERE"),
        ("select name from {leases} where name = @name", {"name": 1}, "argument types: STRING, INT64"),
    ],
)
def test_what_the_local_warehouse_alone_takes_is_named(
    second: Recorder, warehouse: Warehouse, sql: str, params: dict[str, int], words: str
) -> None:
    sent = sql.format(leases=warehouse.raw("leases"))
    warehouse.execute(sent, params)
    [refusal] = second.refused()
    assert words in refusal
    assert sent in refusal
    assert "test_what_the_local_warehouse_alone_takes_is_named" in refusal


def test_a_statement_that_the_local_warehouse_refuses_is_not_recorded(second: Recorder, warehouse: Warehouse) -> None:
    with pytest.raises(Exception, match="no_such_table"):
        warehouse.rows("select * from no_such_table")
    assert second.statements == {}


def test_what_differs_by_dataset_and_number_alone_is_recorded_once(
    second: Recorder, warehouse: Warehouse, endpoint: str, tmp_path: object
) -> None:
    for number in (1, 22):
        warehouse.rows(f"select name, {number} as n from {warehouse.raw('leases')}")
    assert len(second.statements) == 1
    other = connect(fresh_settings(endpoint, tmp_path))  # type: ignore[arg-type]
    from incident_ledger.warehouse.tables import ensure_tables

    ensure_tables(other)
    other.rows(f"select name, 3 as n from {other.raw('leases')}")
    assert len(second.statements) == 1


def test_every_statement_that_the_tests_sent_is_accepted_by_google(recorder: Recorder) -> None:
    """Runs last: `conftest.py` puts it there."""
    assert_accepted(recorder)
