"""GoogleSQL's functions as Google computes them. Seen in bqemulator 1.4.0."""

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.domain.result import Err
from bqemulator.jobs import executor
from bqemulator.sql.rules.datetime_semantics import ConcatStringTypeRule
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine

from incident_ledger.warehouse.local.functions import check, macros, python, spelling

_MADE = re.compile(r"(?is)\bcreate\b[^;(]{0,60}?\bfunction\s+(?:if\s+not\s+exists\s+)?(?:[`\w\-]+\.)*`?(\w+)`?\s*\(")
# Our own errors: a text that is no BOOLEAN.
_OURS = re.compile(r"Could not convert string '(?P<error>.*)' to BOOL|FailedError: (?P<refusal>[^\n]*)", re.DOTALL)
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
    """Some hundred functions answer otherwise than BigQuery's: each is computed by this project, or refused by name."""
    _refuse_what_is_not_proven()
    _register_our_own()
    _refusals_that_nothing_catches()
    _explain_errors()
    _arrays_of_json()
    # It makes a STRING of BYTES and of arrays.
    ConcatStringTypeRule.applies_to = lambda _rule, _node: False


def _refuse_what_is_not_proven() -> None:
    made: set[str] = set()  # the functions that somebody made here
    translate, rewrite, parse = (
        SQLTranslator.translate,
        executor.rewrite_and_translate_statement,
        executor._parse_script_or_raise,
    )

    def checked(self: Any, bq_sql: str, **options: Any) -> Any:
        refusal = check.refusal(bq_sql, frozenset(made))
        if refusal is not None:
            return Err(InvalidQueryError(refusal))
        return translate(self, spelling.respell(bq_sql), **options)

    async def checked_first(bq_sql: str, **options: Any) -> Any:
        refusal = check.refusal(bq_sql, frozenset(made))  # before the emulator writes out offsets and wildcards
        if refusal is not None:
            raise InvalidQueryError(refusal)
        return await rewrite(bq_sql, **options)

    def noted(bq_sql: str) -> Any:
        made.update(found[1].lower() for found in _MADE.finditer(bq_sql))
        return parse(bq_sql)

    SQLTranslator.translate = checked
    executor.rewrite_and_translate_statement = checked_first
    executor._parse_script_or_raise = noted


def _register_our_own() -> None:
    register = DuckDBEngine._register_builtin_udfs

    def with_ours(self: Any) -> None:
        register(self)
        for name, (function, arguments, result) in macros.FUNCTIONS.items():
            self._connection.create_function(
                name,
                _of_nulls(function),
                list(arguments),
                result,
                null_handling="special",
                side_effects=name in {"il_raise", "il_refusal"},
            )
        for head, body in macros.MACROS.items():
            self._connection.execute(f"CREATE OR REPLACE TEMP MACRO {head} AS {body}")

    DuckDBEngine._register_builtin_udfs = with_ours


def _refusals_that_nothing_catches() -> None:
    """A refusal inside of SAFE would be a NULL."""

    def heard(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, *arguments: Any) -> Any:
            python.REFUSALS.clear()
            found = original(self, *arguments)
            if python.REFUSALS:
                raise InvalidQueryError(python.REFUSALS[0])
            return found

        return run

    DuckDBEngine.execute = heard(DuckDBEngine.execute)
    DuckDBEngine.fetch_arrow = heard(DuckDBEngine.fetch_arrow)


def _explain_errors() -> None:
    explain = executor.translate_runtime_error

    def explained(error: Any, **options: Any) -> Any:
        own, unknown = _OURS.search(str(error)), _UNKNOWN.search(str(error))
        if own:
            return InvalidQueryError(own["error"] or own["refusal"])
        if unknown:
            what = next(filter(None, unknown.groups()))
            return InvalidQueryError(f"The local warehouse cannot compute this as BigQuery does: {what}")
        return explain(error, **options)

    executor.translate_runtime_error = explained


def _arrays_of_json() -> None:
    """An ARRAY of JSON is reported as one of STRING."""
    original = executor._arrow_field_to_schema_entry

    def entry(field: Any) -> dict[str, Any]:
        made: dict[str, Any] = original(field)
        kind = (field.metadata or {}).get(b"bqemu.duckdb_type", b"")
        return {**made, "type": "JSON"} if kind == b"JSON[]" else made

    executor._arrow_field_to_schema_entry = entry
    # A sum of integers inside a STRUCT: DuckDB's HUGEINT.
    executor._ARROW_TO_BQ_RULES = ((lambda kind: kind == pa.decimal128(38, 0), "INTEGER"), *executor._ARROW_TO_BQ_RULES)


def _of_nulls(function: Callable[..., object]) -> Callable[..., object]:
    """NULL of a NULL. (DuckDB would do so itself, and then take no NULL as an answer.)"""
    signature = ", ".join(f"a{place}" for place in range(function.__code__.co_argcount))
    made: Callable[..., object] = eval(  # noqa: S307 - DuckDB counts the arguments
        f"lambda {signature}: None if None in ({signature},) else function({signature})", {"function": function}
    )
    return made
