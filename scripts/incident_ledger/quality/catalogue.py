"""Which of Great Expectations' expectations cannot be evaluated, and which the table's schema answers."""

from collections.abc import Mapping

from incident_ledger.quality.compiler.typing import RuleError, Schema

UNEXPECTED_ROWS = "unexpected_rows_expectation"
# What Great Expectations answers on SQL from the schema, without looking at a record.
TYPES = {
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
    "expect_column_type_to_be",
}

_NO_SQL = "Great Expectations has no SQL for it"
_BESIDE = "it reads what is beside the batch"
_OWN_SQL = "write it as an unexpected_rows_expectation"
REFUSED: Mapping[str, str] = {
    "expect_column_values_to_be_increasing": f"{_NO_SQL}, and records have no order: {_OWN_SQL} with lag() over one",
    "expect_column_values_to_be_decreasing": f"{_NO_SQL}, and records have no order: {_OWN_SQL} with lag() over one",
    "expect_column_values_to_be_dateutil_parseable": f"{_NO_SQL}: {_OWN_SQL} with safe_cast(… as timestamp)",
    "expect_column_values_to_be_json_parseable": f"{_NO_SQL}: {_OWN_SQL} with safe.parse_json(…)",
    "expect_column_values_to_match_json_schema": f"{_NO_SQL}: {_OWN_SQL} with json_value(…)",
    "expect_column_values_to_match_strftime_format": f"{_NO_SQL}: {_OWN_SQL} with safe.parse_date('…', …)",
    "expect_table_row_count_to_equal_other_table": f"{_BESIDE}: {_OWN_SQL} that counts both",
    "expect_query_results_to_match_comparison": f"{_BESIDE}: {_OWN_SQL} that joins both",
}

# What BigQuery calls a type, by the name that its tables API and our schema use.
_NAMES: Mapping[str, frozenset[str]] = {
    "INT64": frozenset({"INT64", "INTEGER", "INT", "SMALLINT", "BIGINT", "TINYINT", "BYTEINT"}),
    "FLOAT64": frozenset({"FLOAT64", "FLOAT"}),
    "NUMERIC": frozenset({"NUMERIC", "DECIMAL"}),
    "BIGNUMERIC": frozenset({"BIGNUMERIC", "BIGDECIMAL"}),
    "BOOL": frozenset({"BOOL", "BOOLEAN"}),
    "RECORD": frozenset({"RECORD", "STRUCT"}),
    **{
        name: frozenset({name})
        for name in (
            "STRING",
            "BYTES",
            "DATE",
            "DATETIME",
            "TIME",
            "TIMESTAMP",
            "JSON",
            "ARRAY",
            "GEOGRAPHY",
            "INTERVAL",
        )
    },
}


SCALARS = frozenset(_NAMES) - {"ARRAY", "RECORD"}


def has_type(column: str, wanted: list[str], schema: Schema) -> bool:
    """Whether a column is of one of the types. Raises `RuleError` when none of them is a type of BigQuery."""
    names = {name.upper() for name in wanted}
    known = frozenset().union(*_NAMES.values())
    if not names & known:
        raise RuleError(f"{', '.join(wanted)} is not a type of BigQuery: {', '.join(sorted(_NAMES))}")
    return bool(names & _NAMES.get(schema.kind(column), frozenset()))
