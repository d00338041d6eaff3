"""The checks that a breach is made of, kept apart: `fct_signals` reads them, and not all that was ever checked."""

# ruff: noqa: S608 -- names of tables and columns are not parameters, and come from the package; values are bound

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import bound_rows, literal, merge_query
from incident_ledger.warehouse.tables import QUALITY_BATCHES, QUALITY_BREACHES, names

# What two checks at once did not see of each other is seen by the next one.
_LOOKBACK = timedelta(days=1)


def known(warehouse: Warehouse, new_rows: str, checked_at: datetime) -> str:
    """A query for what decides whether new results (the query `new_rows`) begin or end a breach, each batch once.

    Beside them the breaches that are there, and the checks from a little before `checked_at` on: a run for an earlier
    time learns what ended its findings, and the literal prunes. `place` is 1 for what is new.
    """
    columns = ", ".join(names(QUALITY_BREACHES))
    return f"""
        select * from (
            select {columns}, 0 as place from {warehouse.raw(QUALITY_BATCHES.name)}
            where checked_at >= {literal(checked_at - _LOOKBACK)}
            union all
            select *, 1 from ({new_rows})
            union all
            select {columns}, 2 from {warehouse.raw(QUALITY_BREACHES.name)}
        )
        where true
        qualify row_number() over (partition by batch_id order by place) = 1
    """


def keep(warehouse: Warehouse, rows: Sequence[Mapping[str, Any]], checked_at: datetime) -> None:
    """Write what begins, continues or ends a breach. To be called before the batches are written.

    What a run left here that was killed before its batches were there is not a result yet: the same run, repeated,
    may find something else.
    """
    if not rows:
        return
    columns = names(QUALITY_BREACHES)
    with bound_rows(warehouse, QUALITY_BREACHES, rows, columns=columns) as (new_rows, params):
        merge_query(
            warehouse,
            QUALITY_BREACHES,
            f"select *, {QUALITY_BREACHES.rule} as is_kept from ({known(warehouse, new_rows, checked_at)})",
            columns=columns,
            updates="source.place = 1",
            inserts="source.is_kept",
            params=params,
        )
