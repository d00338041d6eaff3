"""Fixes to statements that change rows. Seen in bqemulator 1.4.0."""

import re
from functools import lru_cache
from typing import Any

import sqlglot
import sqlglot.expressions as exp
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from sqlglot.errors import SqlglotError

_CHANGES_ROWS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:merge|update)\b", re.IGNORECASE | re.DOTALL)


def one_source_row_for_a_target_row() -> None:
    """MERGE and UPDATE … FROM with two source rows for a target row take one of them; BigQuery refuses the statement.

    The rows that the statement would match are counted first. Statements with positional parameters are not checked.
    """
    run = executor._run_single_sql

    async def checked(project: str, sql: str, params: Any, ctx: Any, *, caller: Any) -> Any:
        check = _check(sql) if all(param.get("name") for param in params or ()) else None
        if check is not None:
            doubled = await run(project, check, params, ctx, caller=caller)
            if doubled.num_rows:
                raise InvalidQueryError("UPDATE/MERGE must match at most one source row for each target row")
        return await run(project, sql, params, ctx, caller=caller)

    executor._run_single_sql = checked


@lru_cache(256)  # commands send the same few words again and again
def _check(sql: str) -> str | None:
    """A query that has a row when a target row has two source rows; None for what cannot have any."""
    if not _CHANGES_ROWS.match(sql):
        return None
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except SqlglotError:
        return None  # the one that runs it raises
    pairs = (
        _of_merge(tree) if isinstance(tree, exp.Merge) else _of_update(tree) if isinstance(tree, exp.Update) else None
    )
    if pairs is None:
        return None
    row = exp.column("rowid", table=tree.this.alias_or_name)
    return str(pairs.group_by(row).having("count(*) > 1").limit(1).sql(dialect="bigquery"))


def _of_merge(tree: Any) -> Any:
    matched = [when for when in tree.args["whens"].expressions if when.args.get("matched")]
    if not matched or isinstance(tree.args["on"], exp.Boolean):
        return None
    pairs = (
        exp.select("1 as doubled").from_(tree.this.copy()).join(tree.args["using"].copy(), on=tree.args["on"].copy())
    )
    conditions = [when.args.get("condition") for when in matched]
    return pairs if None in conditions else pairs.where(exp.or_(*(condition.copy() for condition in conditions)))


def _of_update(tree: Any) -> Any:
    source, where = tree.args.get("from_") or tree.args.get("from"), tree.args.get("where")
    if source is None or where is None or source.this.args.get("joins"):
        return None
    pairs = exp.select("1 as doubled").from_(tree.this.copy()).join(source.this.copy(), join_type="cross")
    return pairs.where(where.this.copy())
