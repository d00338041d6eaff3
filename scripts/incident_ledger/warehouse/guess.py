"""What type the values of a new column have. All of them are looked at, never a sample.

Conservative: a number with a leading zero, a plus sign or an exponent is text, a text of a JSON file is never a number,
and a column that mixes kinds is text.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Any

from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.values import BadValueError, Number, moment

_INT64 = 2**63
_FLOAT_EXACT = 2**53
_INTEGER = re.compile(r"0|-?[1-9]\d*")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.\d+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}| UTC)?")
# Where several fit, the first of these.
_ORDER = ("BOOL", "INT64", "FLOAT64", "DATE", "TIMESTAMP", "DATETIME")


class Guess:
    """The type of one column so far. `text_only`: every value comes as text (CSV), also its numbers."""

    def __init__(self, *, text_only: bool) -> None:
        self._text_only = text_only
        self._kinds: frozenset[str] | None = None
        self._fields: dict[str, Guess] = {}
        # None until a value was seen.
        self._is_array: bool | None = None
        self._is_record: bool | None = None

    def see(self, value: Any) -> None:
        """One more value. Raises `BadValueError` when it cannot stand in one column with the others."""
        if value is None or (self._text_only and value == ""):
            return  # a quoted empty field is NULL in a column that is no text
        is_array = isinstance(value, list)
        if self._is_array not in {None, is_array}:
            raise BadValueError("is sometimes a list and sometimes not")
        self._is_array = is_array
        for item in value if is_array else [value]:
            if isinstance(item, list):
                raise BadValueError("is a list of lists, which the warehouse cannot keep")
            if item is not None:
                self._see_one(item)

    def column(self, name: str) -> Column:
        """The column of that name."""
        mode = "REPEATED" if self._is_array else "NULLABLE"
        if self._fields:
            return Column(name, "RECORD", mode, tuple(guess.column(key) for key, guess in self._fields.items()))
        kind = next((kind for kind in _ORDER if kind in (self._kinds or ())), "STRING")
        return Column(name, kind, mode)

    def _see_one(self, value: Any) -> None:
        is_record = isinstance(value, dict)
        if self._is_record not in {None, is_record}:
            raise BadValueError("is sometimes an object and sometimes not")
        self._is_record = is_record
        if is_record:
            for key, item in value.items():
                try:
                    self._fields.setdefault(key, Guess(text_only=False)).see(item)
                except BadValueError as error:
                    raise BadValueError(f"field {key}: {error}") from None
        elif self._kinds is None or self._kinds:  # else it is text already
            kinds = self._kinds_of(value)
            self._kinds = kinds if self._kinds is None else self._kinds & kinds

    def _kinds_of(self, value: Any) -> frozenset[str]:
        if isinstance(value, bool):
            return frozenset({"BOOL"})
        if isinstance(value, Number) or (self._text_only and _is_plain_number(value)):
            return _of_number(str(value))
        if self._text_only and value.lower() in {"true", "false"}:
            return frozenset({"BOOL"})
        return _of_text(str(value))


def _is_plain_number(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text))


@lru_cache(maxsize=50_000)
def _of_number(text: str) -> frozenset[str]:
    """A whole number beyond a double's exactness is no FLOAT64, and one beyond 64 bits is text."""
    if not _INTEGER.fullmatch(text):
        return frozenset({"FLOAT64"})
    number = int(text)
    whole = {"INT64"} if -_INT64 <= number < _INT64 else set()
    return frozenset(whole | ({"FLOAT64"} if abs(number) <= _FLOAT_EXACT else set()))


@lru_cache(maxsize=50_000)
def _of_text(text: str) -> frozenset[str]:
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return frozenset({"DATE"})
        if _MOMENT.fullmatch(text):
            return frozenset({"DATETIME" if moment(text, "TIMESTAMP").tzinfo is None else "TIMESTAMP"})
    except ValueError:
        pass  # such as 2026-02-30
    return frozenset()
