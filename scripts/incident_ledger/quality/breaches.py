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


def _newest(which: str, of: str, frame: str = "") -> str:
    """SQL for the newest check of `of` that is `which`, up to the row's own time."""
    at = "unix_micros(checked_at)"
    return f"max(if({which}, {at}, null)) over (partition by {of} order by {at}{frame})"


_BATCH, _BEFORE = "component, suite, day", " range between unbounded preceding and 1 preceding"
_IS_CERTAIN = "severity_level is not null or (rules_errored = 0 and error is null)"
# Something bad at the row's time or before it, and no check between the two that could have ended it: of the batch, one
# that is certain; of a failed check, any of its suite. A row too many is harmless; a missing one would be a signal
# without its beginning or its end.
_OF_A_BREACH = f"""
    {_newest("severity_level is not null", _BATCH)} >= ifnull({_newest(_IS_CERTAIN, _BATCH, _BEFORE)}, 0)
    or {_newest("check_severity_level is not null", "suite")} >= ifnull({_newest("true", "suite", _BEFORE)}, 0)
"""


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
            f"select *, {_OF_A_BREACH} as is_kept from ({known(warehouse, new_rows, checked_at)})",
            columns=columns,
            on=f"target.checked_at >= {literal(checked_at - _LOOKBACK)}",
            updates="source.place = 1",
            inserts="source.is_kept and source.place < 2",
            params=params,
        )
