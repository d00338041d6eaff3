"""How long a suite would find what it found, its table being as it is. Pure.

The day is left out of it: that decides which days a suite looks at.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from incident_ledger.quality.compiler.custom_sql import OwnQuery
from incident_ledger.quality.compiler.typing import RuleError
from incident_ledger.quality.result_types import RuleResult

# "Its newest is from the last 36 hours": of all that takes the time, this alone says until when it holds.
_FRESHNESS = "expect_column_max_to_be_between"
_SPAN = re.compile(r"as_of\s*-\s*(\d{1,6})\s*(minutes|hours|days)")


def reads_table_alone(content: Any) -> bool:
    """Of what stands in a suite's file: whether only the rows of its table, and what `passes_until` knows, decide.

    False where a rule takes the time in another way, reads another table, or cannot be read.
    """
    if isinstance(content, list):
        return all(map(reads_table_alone, content))
    if not isinstance(content, dict):
        return True
    if _freshness(content) is not None:
        return True
    # A condition as text is SQL, which might ask for the time.
    if "$PARAMETER" in content or isinstance(content.get("row_condition"), str):
        return False
    query = content.get("unexpected_rows_query")
    return (query is None or _reads_batch_alone(query)) and all(map(reads_table_alone, content.values()))


def passes_until(content: Any, results: Iterable[RuleResult]) -> datetime | None:
    """When the first of the freshness rules that passed would fail; None where there is none.

    One that failed fails until there are newer rows. A result that says nothing of its newest record is one that may
    fail at once.
    """
    spans = dict(sorted(_spans(content), key=lambda pair: pair[1], reverse=True))  # of two of a column the shorter
    ends = (
        _until(result.observed, spans[result.column])
        for result in results
        if result.type == _FRESHNESS
        and result.success is not False
        and result.column is not None
        and result.column in spans
    )
    return min(ends, default=None)


def _freshness(expectation: Mapping[str, Any]) -> tuple[str, timedelta] | None:
    """The column, and how old its newest value may be, where that is all that the rule says."""
    kwargs = expectation.get("kwargs")
    if (
        expectation.get("type") != _FRESHNESS
        or not isinstance(kwargs, dict)
        or kwargs.keys() != {"column", "min_value"}
    ):
        return None
    column, bound = kwargs["column"], kwargs["min_value"]
    found = _SPAN.fullmatch(str(bound.get("$PARAMETER")).strip()) if isinstance(bound, dict) else None
    return (column, timedelta(**{found[2]: int(found[1])})) if found and isinstance(column, str) else None


def _spans(content: Any) -> Iterator[tuple[str, timedelta]]:
    for expectation in content["expectations"]:
        if isinstance(expectation, dict) and (found := _freshness(expectation)) is not None:
            yield found


def _until(newest: Any, span: timedelta) -> datetime:
    if isinstance(newest, date) and not isinstance(newest, datetime):
        newest = datetime.combine(newest, datetime.max.time())  # a DATE is compared by its day
    if not isinstance(newest, datetime):
        return datetime.min.replace(tzinfo=UTC)
    try:
        return (newest if newest.tzinfo else newest.replace(tzinfo=UTC)) + span
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _reads_batch_alone(query: Any) -> bool:
    try:
        return isinstance(query, str) and OwnQuery.read(query).reads_batch_alone
    except RuleError:
        return False
