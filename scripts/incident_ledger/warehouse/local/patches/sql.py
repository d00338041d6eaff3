"""Fixes to the translation of GoogleSQL to DuckDB. Seen in bqemulator 1.4.0."""

import base64
import re
import sys
from functools import lru_cache
from typing import Any

import bqemulator.server  # noqa: F401  # every module that holds a function that is replaced here
import bqemulator.sql.rewriter.alter_table_set_options as options
import bqemulator.sql.rewriter.create_table_schema_ctas as ctas
import bqemulator.sql.rewriter.wildcard_expander as wildcards
import sqlglot
import sqlglot.expressions as exp
from bqemulator.sql import parameters, translator
from bqemulator.sql.rewriter import default_dataset
from bqemulator.sql.translator import SQLTranslator
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.expressions import core
from sqlglot.optimizer.scope import traverse_scope


def contract_tables() -> None:
    """`create table t (schema) … as (select …)`, which every dbt contract makes, fails for its parentheses."""
    original = ctas._first_select

    def first_select(body: Any) -> Any:
        while isinstance(body, exp.Subquery | exp.Paren):
            body = body.this
        return original(body)

    ctas._first_select = first_select


def numeric_keeps_nine_decimals() -> None:
    """NUMERIC becomes DuckDB's DECIMAL(18, 3): 1.123456789 is kept as 1.123."""
    original = DuckDB.Generator.datatype_sql
    exact = {exp.DataType.Type.DECIMAL: "DECIMAL(38, 9)", exp.DataType.Type.BIGDECIMAL: "DECIMAL(38, 18)"}

    def datatype_sql(self: Any, kind: Any) -> Any:
        if not kind.expressions and kind.this in exact:
            return exact[kind.this]
        return original(self, kind)

    DuckDB.Generator.datatype_sql = datatype_sql


def div_keeps_its_parentheses() -> None:
    """`div(7 + 1, 2)` is written as `7 + 1 // 2`."""

    def closed(part: Any) -> Any:
        return exp.Paren(this=part) if isinstance(part, exp.Binary) else part

    def div(self: Any, node: Any) -> Any:
        return self.binary(exp.IntDiv(this=closed(node.this), expression=closed(node.expression)), "//")

    DuckDB.Generator.TRANSFORMS[exp.IntDiv] = div


def timestamp_diff_counts_whole_units() -> None:
    """`timestamp_diff` counts the boundaries crossed; BigQuery counts whole units."""

    def diff(self: Any, node: Any) -> str:
        unit = (node.text("unit") or "SECOND").upper()
        start, end = self.sql(node, "expression"), self.sql(node, "this")
        return f"DATE_SUB('{unit}', CAST({start} AS TIMESTAMPTZ), CAST({end} AS TIMESTAMPTZ))"

    DuckDB.Generator.TRANSFORMS[exp.TimestampDiff] = diff


def wildcards_by_all_conditions_and_by_name() -> None:
    """Of two conditions on `_table_suffix` only the first is seen, and the tables are united by position."""
    original = wildcards.expand_wildcard_tables

    def expand(sql: str, *args: Any, **options: Any) -> str:
        expanded: str = original(sql, *args, **options)
        return expanded.replace(" UNION ALL SELECT *, '", " UNION ALL BY NAME SELECT *, '")

    # Reading all tables is slower and right: the condition stays in the query.
    wildcards._apply_table_suffix_pushdown = lambda tables, _prefix, _sql: tables
    for module in list(sys.modules.values()):
        if getattr(module, "expand_wildcard_tables", None) is original:
            module.expand_wildcard_tables = expand  # type: ignore[attr-defined]


def select_star_keeps_records() -> None:
    """`select *` loses its RECORD columns, and names their case, beside one of about 13 functions.

    To learn the types of columns the translator rewrites the tree; here they are taken from a copy of it.
    """
    SQLTranslator._annotate_tree = staticmethod(_annotated)


def _annotated(tree: Any, schema: dict[str, dict[str, str]]) -> Any:
    copy = tree.copy()
    try:
        _type_columns(copy, schema)
    except (SqlglotError, AttributeError, KeyError):  # types help some rules and are no need
        return tree
    for mine, typed in zip(tree.walk(), copy.walk(), strict=True):
        if isinstance(mine, exp.Column) and typed.type:
            mine.type = typed.type
    return tree


def _type_columns(tree: Any, schema: dict[str, dict[str, str]]) -> None:
    known = {
        table.lower(): {column.lower(): kind for column, kind in columns.items()} for table, columns in schema.items()
    }
    for scope in traverse_scope(tree):
        sources = {
            name.lower(): known.get(source.name.lower(), {})
            for name, source in scope.sources.items()
            if isinstance(source, exp.Table)
        }
        for column in scope.columns:
            tables = [sources.get(column.table.lower(), {})] if column.table else list(sources.values())
            kinds = [columns[column.name.lower()] for columns in tables if column.name.lower() in columns]
            if kinds and kinds[0] != "STRUCT":
                column.type = exp.DataType.build(kinds[0], dialect="duckdb")


_COMMENT = r"--[^\n]*|/\*.*?\*/"
# Of DuckDB's SQL, in which parameters are bound: its texts know no backslash.
_LITERAL_OR_PARAMETER = re.compile(_COMMENT + r"""|'(?:[^']|'')*'|"(?:[^"]|"")*"|[@$](\w+)""", re.DOTALL)


def parameters_not_inside_literals() -> None:
    """A parameter's name is replaced inside texts and comments too (`'@event'`).

    BYTES arrive as base64 text, and an empty array of any type is one of INT64.
    """

    def bind_named(sql: str, given: list[dict[str, Any]]) -> tuple[str, list[Any]]:
        by_name = {param["name"]: param for param in given}
        values: list[Any] = []

        def place(match: re.Match[str]) -> str:
            param = by_name.get(match.group(1) or "")
            if param is None:
                return match.group(0)
            values.append(parameters._extract_value(param))
            kind = parameters._bq_to_duckdb_type(param.get("parameterType", {}))
            # An empty array, like NULL, does not show its type.
            return "?" if values[-1] not in (None, []) or kind is None else f"CAST(? AS {kind})"

        return _LITERAL_OR_PARAMETER.sub(place, sql), values

    parameters._bind_named = bind_named
    parameters._SCALAR_CONVERTERS["BYTES"] = base64.b64decode


_DECIMAL = re.compile(
    _COMMENT + r"""|\#[^\n]*|`[^`]*`|\'{3}.*?\'{3}|"{3}.*?"{3}|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
    r"""|(?<![\w.])(\d+\.\d+)(?![\w.])""",
    re.DOTALL,
)


def decimals_not_inside_comments_or_texts() -> None:
    """`1.5` becomes `1.5e0`, so that it is a FLOAT64; after an apostrophe in a comment, inside texts too.

    A timestamp with microseconds is then none.
    """

    def rewrite(sql: str) -> str:
        return _DECIMAL.sub(lambda found: f"{found[1]}e0" if found[1] else found[0], sql)

    translator.rewrite_decimal_literals = rewrite


def descriptions_hold_parentheses() -> None:
    """`alter table … set options (description="a (b)")`, which dbt sends for a seed, fails for those inside."""

    def closing(text: str, start: int) -> int | None:
        start += len(text[start:]) - len(text[start:].lstrip())
        end = text.rfind(")")
        return end if text.startswith("(", start) and end > start else None

    options._match_balanced_parens = closing


def default_dataset_keeps_the_text() -> None:
    """With a default dataset the whole statement is rewritten: JSON paths are lost, and INFORMATION_SCHEMA fails.

    Here the dataset is put before each name that has none, and all else stays as it was sent.
    """
    original = default_dataset.qualify_unqualified_tables

    def qualify(bq_sql: str, *, default_project: str, default_dataset: str) -> str:
        names = {"default_project": default_project, "default_dataset": default_dataset}
        try:
            places = _unqualified(bq_sql)
        except SqlglotError:
            return bq_sql  # the one that translates it raises
        if None in places or not (default_project and default_dataset):
            written: str = original(bq_sql, **names)
            return re.sub(r"(?i)`(INFORMATION_SCHEMA)\.(\w+)`", r"\1.\2", written)
        for place in sorted(filter(None, places), reverse=True):
            bq_sql = f"{bq_sql[:place]}`{default_project}`.`{default_dataset}`.{bq_sql[place:]}"
        return bq_sql

    default_dataset.qualify_unqualified_tables = qualify


def _unqualified(sql: str) -> set[int | None]:
    """Where the names of tables without a dataset begin; None for one of which sqlglot does not know it."""
    places: set[int | None] = set()
    for tree in sqlglot.parse(sql, read="bigquery"):
        shadowed = {cte.alias_or_name for cte in tree.find_all(exp.CTE)} if tree is not None else set()
        for table in tree.find_all(exp.Table) if tree is not None else ():
            is_schema = table.name.upper().startswith("INFORMATION_SCHEMA")
            if table.args.get("db") or table.args.get("catalog"):
                continue
            if table.name and table.name not in shadowed:
                places.add(None if is_schema else table.this.meta.get("start"))
    return places


# Modules that only look at a tree: they share the one that was parsed, which others get a copy of.
READERS = frozenset(
    {
        "bqemulator.catalog.ddl_sync",
        "bqemulator.jobs.ddl_result",
        "bqemulator.jobs.executor",
        "bqemulator.jobs.routine_ddl",
        "bqemulator.sql.catalog_schema",
        "incident_ledger.warehouse.local.functions.check",
        "incident_ledger.warehouse.local.patches.kept",
        "incident_ledger.warehouse.local.patches.outside",
        "incident_ledger.warehouse.local.patches.sql",
    }
)


def statements_are_parsed_once() -> None:
    """Each of about ten rewriters parses the whole statement again: half of the server's time in a `dbt build`."""
    parse = Dialect.parse

    @lru_cache(maxsize=128)
    def parsed(dialect: Any, statement: str) -> tuple[Any, ...]:
        return tuple(parse(dialect(), statement))

    def parse_once(self: Any, sql: str, **options: Any) -> list[Any]:
        if options or self.settings:
            return list(parse(self, sql, **options))
        dialect: Any = type(self)
        trees = parsed(dialect, sql)
        if _caller() in READERS:
            return list(trees)
        return [tree if tree is None else tree.copy() for tree in trees]

    Dialect.parse = parse_once


def _caller() -> str:
    """The module that called sqlglot to parse."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals["__name__"].startswith("sqlglot"):
        frame = frame.f_back
    return str(frame.f_globals["__name__"])


def copies_of_trees_share_their_notes() -> None:
    """Copying where in the text each part of a statement stands takes a quarter of the server's time."""
    deepcopy = core.deepcopy

    def copied(value: Any, memo: Any = None) -> Any:
        # Notes of texts and numbers; what is nested in them, a tree too, is copied as before.
        if type(value) is dict and not any(isinstance(each, (dict, list, exp.Expression)) for each in value.values()):
            return dict(value)
        return deepcopy(value, memo)

    core.deepcopy = copied
