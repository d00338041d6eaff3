"""The checks that a breach is made of, kept apart: `fct_signals` asks them, and not all that was ever checked."""

# ruff: noqa: S608 -- names of tables and columns are no parameters, and are our own; values are bound

from datetime import datetime, timedelta

from incident_ledger.quality.rows import literal, names, selected
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import QUALITY_BATCHES, QUALITY_BREACHES

# What two checks at once did not see of each other is seen by the next one.
_LOOKBACK = timedelta(days=1)


def known(warehouse: Warehouse, checked_at: datetime) -> str:
    """A query for what says whether new verdicts (`@rows`) begin or end a breach, each batch once.

    Beside them the breaches that are there, and the checks from a little before `checked_at` on: a run for an earlier
    time learns what ended its findings, and the literal prunes. `place` is 1 for what is new.
    """
    columns = names(QUALITY_BREACHES)
    return f"""
        select * from (
            select {columns}, 0 as place from {warehouse.raw(QUALITY_BATCHES.name)}
            where checked_at >= {literal(checked_at - _LOOKBACK)}
            union all
            select *, 1 from ({selected(QUALITY_BREACHES)})
            union all
            select {columns}, 2 from {warehouse.raw(QUALITY_BREACHES.name)}
        )
        where true
        qualify row_number() over (partition by batch_id order by place) = 1
    """


def keep(warehouse: Warehouse, rows: str, checked_at: datetime) -> None:
    """Write what begins, continues or ends a breach. To be called before the batches are written.

    What a run left here that was killed before its batches were there is no verdict yet: the same run, repeated,
    may find something else.
    """
    columns = names(QUALITY_BREACHES)
    values = ", ".join(f"{name} = source.{name}" for name, _, _ in QUALITY_BREACHES.columns)
    sql = f"""
        merge {warehouse.raw(QUALITY_BREACHES.name)} as target
        using (
            select *, {QUALITY_BREACHES.rule} as is_kept
            from ({known(warehouse, checked_at)})
        ) as source
        on target.batch_id = source.batch_id
        when matched and source.place = 1 then update set {values}
        when not matched and source.is_kept then insert ({columns}) values ({columns})
    """
    warehouse.execute(sql, {"rows": rows})
