"""The checks that a breach is made of, kept apart: `fct_signals` reads them, and not all that was ever checked.

They do not grow with time: once a week those are deleted whose breaches are past, and those in the middle of a long
one. `quality_batches` has every check.
"""

# ruff: noqa: S608 -- names of tables and columns are not parameters, and come from the package; values are bound

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.ledger.state import current_view
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


def forget(warehouse: Warehouse, before: datetime) -> int:
    """Delete the checks from before a time on which no signal depends; how many. May be repeated.

    A breach is past that ended before that time and whose incident is over; all checks of its suite go that are older
    than every breach of the suite that is not. Of those, in turn, the checks go that found all as it was found before
    and after. The signals that are left stay as they were.
    """
    day = "coalesce(cast(day as string), 'whole')"
    signals = warehouse.name(warehouse.settings.staging_dataset, "int_signals__quality")
    neighbours = "over (partition by suite, component, day, is_certain order by checked_at, is_bad)"
    times = "over (partition by suite order by checked_at)"
    sql = f"""
        delete from {warehouse.raw(QUALITY_BREACHES.name)}
        where checked_at < {literal(before)} and batch_id in (
            with checks as (
                select
                    batch_id, suite, component, {day} as day, checked_at,
                    severity_level is not null as is_bad,
                    {_IS_CERTAIN} as is_certain,
                    if(check_severity_level is null, null, check_component) as failed
                from {warehouse.raw(QUALITY_BREACHES.name)}
                where true
                qualify row_number() over (partition by checked_at, batch_id order by suite) = 1
            ),
            going_on as (
                select batch_key, min(started_at) as started_at
                from {signals}
                where
                    ended_at is null
                    or ended_at >= {literal(before)}
                    or source_key in (
                        select source_key from {current_view(warehouse)} where is_open and source = 'quality'
                    )
                group by batch_key
            ),
            suites as (
                select checks.suite, min(going_on.started_at) as needed_since
                from (
                    select distinct suite, suite as batch_key from checks
                    union all
                    select distinct suite, concat(suite, ' ', day) from checks
                ) as checks
                inner join going_on on checks.batch_key = going_on.batch_key
                group by checks.suite
            ),
            compared as (
                select
                    *,
                    not is_certain or (is_bad and lag(is_bad) {neighbours} and lead(is_bad) {neighbours}) as is_between
                from checks
            ),
            at_once as (
                select
                    suite, checked_at,
                    logical_and(coalesce(is_between, false)) as is_between,
                    coalesce(string_agg(distinct failed, ' ' order by failed), '') as failed
                from compared
                group by suite, checked_at
            ),
            between_others as (
                select
                    suite, checked_at,
                    is_between and failed = lag(failed) {times} and failed = lead(failed) {times} as is_between
                from at_once
            )
            select checks.batch_id
            from checks
            inner join between_others
                on checks.suite = between_others.suite and checks.checked_at = between_others.checked_at
            left join suites on checks.suite = suites.suite
            where
                suites.needed_since is null
                or checks.checked_at < suites.needed_since
                or coalesce(between_others.is_between, false)
        )
    """
    return warehouse.execute(sql)
