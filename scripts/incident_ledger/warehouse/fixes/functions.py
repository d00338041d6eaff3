"""GoogleSQL's functions as Google computes them. Seen in bqemulator 1.4.0."""

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import sqlglot.expressions as exp
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.domain.result import Err
from bqemulator.jobs import executor
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine
from sqlglot.dialects.duckdb import DuckDB

from incident_ledger.warehouse.functions import check, conversions, formats, numbers, python, spelling, texts, times

_MACROS = times.ERRORS | numbers.MACROS | times.MACROS | conversions.MACROS | texts.MACROS | formats.MACROS
_MADE = re.compile(r"(?is)\bcreate\b[^;(]{0,60}?\bfunction\s+(?:if\s+not\s+exists\s+)?(?:[`\w\-]+\.)*`?(\w+)`?\s*\(")
# Our own errors: a text that is no BOOLEAN.
_OURS = re.compile(r"Could not convert string '(?P<error>.*)' to BOOL|RefusedError: (?P<refusal>[^\n]*)", re.DOTALL)
# What DuckDB has no function or syntax for, where BigQuery has.
_UNKNOWN = re.compile(
    r"Binder Error: No function matches .*? types '([^']*)'"
    r"|((?:STDDEV|VAR|COVAR|CORR)\w* (?:for \w )?is out of range)"
    r"|((?:Not implemented Error|Parser Error|Binder Error): [^\n]*)"
    r"|((?:Malformed JSON|Failed to cast value|Unimplemented type|missing \)|invalid perl|Expected ARRAY)[^\n]*)"
    r"|(Overflow in \w+ of INT32[^\n]*)"
    r"|((?:Cannot cast to list|Type VARCHAR with value|ROUND\(|TRUNC\()[^\n]*)"
)


def functions_as_google_computes_them() -> None:
    """Some hundred functions answer otherwise than BigQuery's: each is computed by our own, or refused by name."""
    made: set[str] = set()
    translate, register, explain = (
        SQLTranslator.translate,
        DuckDBEngine._register_builtin_udfs,
        executor.translate_runtime_error,
    )

    def checked(self: Any, bq_sql: str, **options: Any) -> Any:
        refusal = check.refusal(bq_sql, frozenset(made))
        if refusal is not None:
            return Err(InvalidQueryError(refusal))
        return translate(self, spelling.respell(bq_sql), **options)

    def with_ours(self: Any) -> None:
        register(self)
        for name, (function, arguments, result) in (python.FUNCTIONS | formats.FUNCTIONS).items():
            self._connection.create_function(
                name,
                _of_nulls(function),
                list(arguments),
                result,
                null_handling="special",
                side_effects=name == "il_raise",
            )
        for head, body in _MACROS.items():
            self._connection.execute(f"CREATE OR REPLACE TEMP MACRO {head} AS {body}")

    def explained(error: Any, **options: Any) -> Any:
        ours, unknown = _OURS.search(str(error)), _UNKNOWN.search(str(error))
        if ours:
            return InvalidQueryError(ours["error"] or ours["refusal"])
        if unknown:
            what = next(filter(None, unknown.groups()))
            return InvalidQueryError(f"The local warehouse cannot compute this as BigQuery does: {what}")
        return explain(error, **options)

    parse = executor._parse_script_or_raise

    def noted(bq_sql: str) -> Any:
        made.update(found[1].lower() for found in _MADE.finditer(bq_sql))
        return parse(bq_sql)

    rewrite = executor.rewrite_and_translate_statement

    async def checked_first(bq_sql: str, **options: Any) -> Any:
        refusal = check.refusal(bq_sql, frozenset(made))  # before the emulator writes out offsets and wildcards
        if refusal is not None:
            raise InvalidQueryError(refusal)
        return await rewrite(bq_sql, **options)

    executor.rewrite_and_translate_statement = checked_first
    executor._parse_script_or_raise = noted
    SQLTranslator.translate = checked
    DuckDBEngine._register_builtin_udfs = with_ours
    executor.translate_runtime_error = explained
    DuckDB.Generator.TRANSFORMS[exp.Mul] = _arithmetic("il_mul", "*")
    DuckDB.Generator.TRANSFORMS[exp.Div] = _arithmetic("il_quotient", "/")
    for kind in (exp.Add, exp.Sub):
        DuckDB.Generator.TRANSFORMS[kind] = _with_literals
    DuckDB.Generator.bracket_sql = _bracket(DuckDB.Generator.bracket_sql)
    _arrays_of_json()
    # It makes a STRING of BYTES and of arrays.
    ConcatStringTypeRule.applies_to = lambda _rule, _node: False


def _arrays_of_json() -> None:
    """An ARRAY of JSON is told as one of STRING."""
    original = executor._arrow_field_to_schema_entry

    def entry(field: Any) -> dict[str, Any]:
        made: dict[str, Any] = original(field)
        kind = (field.metadata or {}).get(b"bqemu.duckdb_type", b"")
        return {**made, "type": "JSON"} if kind == b"JSON[]" else made

    executor._arrow_field_to_schema_entry = entry
    # A sum of integers inside a STRUCT: DuckDB's HUGEINT.
    executor._ARROW_TO_BQ_RULES = ((lambda kind: kind == pa.decimal128(38, 0), "INTEGER"), *executor._ARROW_TO_BQ_RULES)


def _arithmetic(name: str, sign: str) -> Callable[[Any, Any], str]:
    def written(generator: Any, node: Any) -> str:
        if node.find(exp.Interval):
            return str(generator.binary(node, sign))
        left, right = _operands(generator, node)
        return f"{name}({left}, {right})"

    return written


def _with_literals(generator: Any, node: Any) -> str:
    left, right = _operands(generator, node)
    if isinstance(node, exp.Add):
        return f"{left} + {right}"
    is_plain = node.find(exp.Interval) or isinstance(node.expression, exp.Literal)
    return f"{left} - {right}" if is_plain else f"{left} - il_no_time({right})"


def _operands(generator: Any, node: Any) -> tuple[str, str]:
    """A FLOAT64 literal beside a NUMERIC is a NUMERIC in BigQuery, and a FLOAT64 here."""
    left, right = generator.sql(node, "this"), generator.sql(node, "expression")
    words = "'a literal with a point beside one'"
    if _is_float(node.expression):
        left = f"il_no_numeric({left}, {words})"
    if _is_float(node.this):
        right = f"il_no_numeric({right}, {words})"
    return left, right


def _is_float(node: Any) -> bool:
    while isinstance(node, exp.Neg | exp.Paren):
        node = node.this
    return isinstance(node, exp.Literal) and not node.is_string and not node.this.isdigit()


def _bracket(original: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
    """`x[offset(9)]` of an array of two is an error, `x[safe_offset(-1)]` is NULL."""

    def written(generator: Any, node: Any) -> str:
        base = node.args.get("offset")
        if base is None or len(node.expressions) != 1 or node.args.get("il"):
            return original(generator, node)
        name = "il_at_or_null" if node.args.get("safe") else "il_at"
        place = generator.sql(node.expressions[0])
        return f"{name}({generator.sql(node, 'this')}, CAST({place} AS BIGINT) - {int(base)})"

    return written


def _of_nulls(function: Callable[..., object]) -> Callable[..., object]:
    """NULL of a NULL. (DuckDB would do so itself, and then take no NULL as an answer.)"""
    signature = ", ".join(f"a{place}" for place in range(function.__code__.co_argcount))
    made: Callable[..., object] = eval(  # noqa: S307 - DuckDB counts the arguments
        f"lambda {signature}: None if None in ({signature},) else function({signature})", {"function": function}
    )
    return made
