"""Several readings by one statement: each gets the rows that it would get alone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, both, read, rows_of
from quality.helpers import statements

# A value of each type that the ledger's rows have, and nulls.
TYPES = """
    select
        @name as name, 1 as number, 1.5 as rate, numeric '0.10' as cost, true as is_open, date '2026-03-01' as day,
        timestamp '2026-03-02 09:00:00.123456+00' as seen_at, ['a', 'b'] as parts, cast(null as timestamp) as ended_at
    union all
    select null, null, null, null, null, null, null, [], null
"""
ROW = {
    "name": "x",
    "number": 1,
    "rate": 1.5,
    "cost": Decimal("0.10"),
    "is_open": True,
    "day": date(2026, 3, 1),
    "seen_at": datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC),
    "parts": ["a", "b"],
    "ended_at": None,
}


def named(name: str) -> Reading[list[dict[str, Any]]]:
    rows = yield from rows_of(TYPES, {"name": name})
    return sorted(rows, key=lambda row: row["name"] is None)


def in_turn(*names: str) -> Reading[list[Any]]:
    """One query after the other."""
    found = []
    for name in names:
        found += [row["name"] for row in (yield from named(name)) if row["name"]]
    return found


def nothing() -> Reading[list[Any]]:
    return (yield from rows_of("select number from unnest(generate_array(1, 0)) as number"))


def constant() -> Reading[str]:
    """One that needs no query."""
    return "known"
    yield []


def test_a_reading_alone_is_its_own_statement(warehouse: Warehouse) -> None:
    with statements() as sent:
        rows = read(warehouse, named("x"))
    assert [sql for sql, _ in sent] == [TYPES]
    assert rows[0] == ROW
    assert rows[1] == dict.fromkeys(ROW) | {"parts": []}


def test_several_readings_are_one_statement_and_each_has_its_rows_and_parameters(warehouse: Warehouse) -> None:
    with statements() as sent:
        first, (none, (second, known)) = read(
            warehouse, both(named("x"), both(nothing(), both(named("y"), constant())))
        )
    assert len(sent) == 1
    assert (first, none, known) == (read(warehouse, named("x")), [], "known")
    assert second[0] == ROW | {"name": "y"}


def test_what_a_reading_asks_later_goes_with_what_others_ask_then(warehouse: Warehouse) -> None:
    with statements() as sent:
        found = read(warehouse, both(in_turn("a", "b", "c"), both(in_turn("d"), in_turn("e", "f"))))
    assert found == (["a", "b", "c"], (["d"], ["e", "f"]))
    assert len(sent) == 3


def test_a_reading_that_needs_no_query_sends_none(warehouse: Warehouse) -> None:
    with statements() as sent:
        assert read(warehouse, both(constant(), constant())) == ("known", "known")
    assert sent == []
