"""What tests of the runner share: a ledger, and the statements that are sent."""

from collections.abc import Iterator

import pytest

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Client


@pytest.fixture
def place(ledger: Warehouse) -> Warehouse:
    """The shared ledger, empty."""
    return ledger


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are sent, in order, without what stands before their first word."""
    statements: list[str] = []
    original = Client.query

    def query(client: Client, sql: str, *args: object, **options: object) -> object:
        statements.append(sql.strip())
        return original(client, sql, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "query", query)
    yield statements
