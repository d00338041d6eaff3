"""What the server keeps from one statement for the next. Seen in bqemulator 1.4.0.

Commands and ticks send the same words again and again, of tables that seldom change: half a second each for the policy.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlglot
import sqlglot.expressions as exp
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.jobs import executor
from sqlglot.errors import SqlglotError

from incident_ledger.warehouse.local.patches.translations import Kept, Seen, Translation, placed, with_catalog
from incident_ledger.warehouse.local.patches.views import IS_WRITTEN_OUT

MAX_TRANSLATIONS = 1_024
MAX_ANSWERS = 64
MAX_ANSWER_BYTES = 1024**2

# Written into a translation from elsewhere than the statement and the catalogue.
_OF_THE_MOMENT = re.compile(r"information_schema|__tables__|system_time", re.IGNORECASE)
# To a question with one of these BigQuery keeps no answer.
_NEVER_THE_SAME = re.compile(r"current_|rand|uuid|session_user|@@|tablesample", re.IGNORECASE)
_CHANGES_THE_CATALOGUE = re.compile(r"(?:create|update|delete|upsert)_(?!job|snapshot)\w+")

_Table = tuple[str, str, str]


class _Answer(NamedTuple):
    """The rows of a question, and when each of its tables was changed last before."""

    changed_at: tuple[datetime, ...]
    rows: Any


def translations_are_kept() -> None:
    """Each statement goes through ten rewriters, whether or not it came before.

    What they make of it depends on what they look up in the catalogue (the types of columns, the days of a wildcard):
    it is used again as long as that is the same, for a dataset of another name too.
    """
    translate, qualify = executor.rewrite_and_translate_statement, executor.rewrite_table_refs
    qualified = lru_cache(MAX_TRANSLATIONS)(qualify)
    kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    async def translated(bq_sql: str, *, project_id: str, **options: Any) -> str:
        if IS_WRITTEN_OUT.get() or _OF_THE_MOMENT.search(bq_sql):
            return str(await translate(bq_sql, project_id=project_id, **options))
        catalog = options["ctx"].catalog
        statement = placed(bq_sql, project_id, catalog)
        key = (project_id, statement.text)
        seen = Seen(catalog, statement.names)
        if key not in kept or not seen.has_as_before(kept[key].found):
            try:
                found = str(await translate(statement.text, project_id=project_id, **with_catalog(options, seen)))
            except Exception:  # raised once more with the statement's own names
                return str(await translate(bq_sql, project_id=project_id, **options))
            if not seen.is_all:
                return statement.named(found)
            _keep(kept, key, Kept(found, seen.found), MAX_TRANSLATIONS)
        kept.move_to_end(key)
        return Translation(kept[key].text, statement)

    def qualified_once(duckdb_sql: str, project_id: str) -> str:
        if isinstance(duckdb_sql, Translation):
            return duckdb_sql.placed.named(qualified(duckdb_sql.placed.text, project_id))
        return str(qualified(duckdb_sql, project_id))

    executor.rewrite_and_translate_statement = translated
    executor.rewrite_table_refs = qualified_once


def answers_are_kept() -> None:
    """BigQuery answers a question again for nothing as long as its tables are as they were; here each is computed.

    Kept are answers to questions of tables alone, which name no clock, chance or user.
    """
    run, run_script, statistics = executor._run_single_sql, executor._run_script, executor._build_query_statistics
    is_kept: ContextVar[bool] = ContextVar("is_kept", default=False)
    kept: OrderedDict[tuple[str, str, str], _Answer] = OrderedDict()

    async def answered(project: str, sql: str, params: Any, ctx: Any, *, caller: Any) -> Any:
        changed_at = _changed_at(_tables_of_question(sql, project), ctx.catalog)
        is_kept.set(False)
        if not changed_at:
            return await run(project, sql, params, ctx, caller=caller)
        key = (project, sql, json.dumps(params))
        answer = kept.get(key)
        if answer is not None and answer.changed_at == changed_at:
            is_kept.set(True)
            return answer.rows
        rows = await run(project, sql, params, ctx, caller=caller)
        if rows.nbytes <= MAX_ANSWER_BYTES:
            _keep(kept, key, _Answer(changed_at, rows), MAX_ANSWERS)
        return rows

    async def scripted(*args: Any, **options: Any) -> Any:
        try:
            return await run_script(*args, **options)
        finally:
            kept.clear()  # a script does not note which tables it changes

    def noted(**known: Any) -> dict[str, Any]:
        made: dict[str, Any] = statistics(**known)
        return {**made, "query": {**made["query"], "cacheHit": is_kept.get()}}

    executor._run_single_sql = answered
    executor._run_script = scripted
    executor._build_query_statistics = noted
    _whenever_the_catalogue_changes(kept.clear)


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)


def _whenever_the_catalogue_changes(forget: Callable[[], None]) -> None:
    def forgetting(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **options: Any) -> Any:
            try:
                return change(*args, **options)
            finally:
                forget()

        return changed

    for name, change in list(vars(DuckDBCatalogRepository).items()):
        if _CHANGES_THE_CATALOGUE.fullmatch(name):
            setattr(DuckDBCatalogRepository, name, forgetting(change))


@lru_cache(MAX_TRANSLATIONS)
def _tables_of_question(sql: str, project: str) -> tuple[_Table, ...]:
    """What a single SELECT reads; nothing for any other statement, and for what is never the same."""
    if _NEVER_THE_SAME.search(sql) or _OF_THE_MOMENT.search(sql):
        return ()
    try:
        (tree,) = sqlglot.parse(sql, read="bigquery")
    except (SqlglotError, ValueError):
        return ()
    if not isinstance(tree, exp.Query):
        return ()
    within = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    named = [each for each in tree.find_all(exp.Table) if each.db or each.name not in within]
    if not all(isinstance(each.this, exp.Identifier) for each in named):
        return ()  # the function of a table
    return tuple({(each.catalog or project, each.db, each.name) for each in named})


def _changed_at(tables: tuple[_Table, ...], catalog: Any) -> tuple[datetime, ...]:
    """When each was changed; nothing where one is no table."""
    found = [catalog.get_table(*table) for table in tables]
    if any(each is None or each.table_type != "TABLE" for each in found):
        return ()
    return tuple(each.last_modified_time for each in found)
