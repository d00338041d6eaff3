"""What type the values of a new column have. All of them are looked at, never a sample.

A column is of a type when every value can be written again from it as it was written, all in one form: without idle
zeros (`0.5`, `12`), with the same number of decimals (`1.10`, `2.50`), or as a double is printed (`10.0`, `2.25`). So
no digit changes and no two texts become one value; where there is no such form (`1.1` beside `1.10`) it is text. In CSV
a number with a leading zero, a plus sign or an exponent is text; a text of a JSON file is never a number.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Any

from incident_ledger.encoding import Fault
from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.loading.values import BadValueError, Number, UnkeptError, named, parse_time, utc

MAX_RECORDS = 15  # BigQuery's limit of nesting
_INT64 = 2**63
_PLAIN = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
# Digits before and after the point. No BIGNUMERIC: the local warehouse has none.
_WHOLE, _DECIMALS = 29, 9
_LONGEST_DOUBLE = 25  # characters
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}| UTC)?")
# Where several fit, the first of these.
_ORDER = ("BOOL", "INT64", "NUMERIC", "FLOAT64", "DATE", "TIMESTAMP", "DATETIME")

Form = tuple[str, str]  # a type, and how a value is written again from it


class Guess:
    """The type of one column so far. `text_only`: every value comes as text (CSV), also its numbers."""

    def __init__(self, *, text_only: bool, depth: int = 0) -> None:
        self._text_only = text_only
        self._depth = depth
        self._forms: frozenset[Form] | None = None
        self._names: dict[str, str] = {}  # whatever their case
        self._fields: dict[str, Guess] = {}
        # None until a value was seen.
        self._is_array: bool | None = None
        self._is_record: bool | None = None

    def see(self, value: Any) -> None:
        """One more value. Raises `BadValueError` when it cannot stand in one column with the others."""
        if value is None or (self._text_only and value == ""):
            return  # a quoted empty field is NULL in a column that is no text
        if isinstance(value, Fault):
            raise UnkeptError(f"cannot be kept: {value.reason}")
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
        fits = {kind for kind, _form in self._forms or ()}
        kind = next((kind for kind in _ORDER if kind in fits), "STRING")
        return Column(name, kind, mode)

    def _see_one(self, value: Any) -> None:
        if isinstance(value, Fault):
            raise UnkeptError(f"cannot be kept: {value.reason}")
        is_record = isinstance(value, dict)
        if self._is_record not in {None, is_record}:
            raise BadValueError("is sometimes an object and sometimes not")
        self._is_record = is_record
        if is_record:
            if value and self._depth == MAX_RECORDS:
                raise BadValueError(f"is nested deeper than {MAX_RECORDS} records, the most that the warehouse keeps")
            for key, item in named(value).items():
                try:
                    known = self._names.setdefault(key.lower(), key)
                    self._fields.setdefault(known, Guess(text_only=False, depth=self._depth + 1)).see(item)
                except BadValueError as error:
                    raise type(error)(f"field {key}: {error}") from None
        elif self._forms is None or self._forms:  # else it is text already
            forms = self._forms_of(value)
            self._forms = forms if self._forms is None else self._forms & forms

    def _forms_of(self, value: Any) -> frozenset[Form]:
        if isinstance(value, bool):
            return frozenset({("BOOL", "")})
        if isinstance(value, Number) or (self._text_only and _PLAIN.fullmatch(value)):
            return _of_number(str(value))
        if self._text_only and value.lower() in {"true", "false"}:
            return frozenset({("BOOL", "")})
        return _of_text(str(value))


@lru_cache(maxsize=50_000)
def _of_number(text: str) -> frozenset[Form]:
    forms = {("FLOAT64", form) for form in _forms_of_double(text)}
    plain = _PLAIN.fullmatch(text)
    if plain and not (plain[1] and not text.strip("-0.")):  # minus zero is no exact number
        whole, decimals = plain[2], plain[3] or ""
        if not decimals and len(whole) <= len(str(_INT64)) and -_INT64 <= int(text) < _INT64:
            forms.add(("INT64", ""))
        if len(whole) <= _WHOLE and len(decimals) <= _DECIMALS:
            forms.add(("NUMERIC", f"{len(decimals)} decimals"))
            if not decimals.endswith("0"):
                forms.add(("NUMERIC", "no idle zeros"))
    return frozenset(forms)


def _forms_of_double(text: str) -> set[str]:
    """How a double is printed with this text: as Python and Java do (`10.0`), or as JavaScript and JSON do (`10`)."""
    if len(text) > _LONGEST_DOUBLE or text == "-0":
        return set()
    printed = repr(float(text))
    digits, sign, exponent = printed.partition("e")
    short = digits.removesuffix(".0")
    script = f"{short}e{'' if exponent.startswith('-') else '+'}{int(exponent)}" if sign else short
    return {form for form, same in (("10.0", printed), ("10", script)) if same == text}


@lru_cache(maxsize=50_000)
def _of_text(text: str) -> frozenset[Form]:
    kind = ""
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            kind = "DATE"
        elif _MOMENT.fullmatch(text):
            found = parse_time(text, "TIMESTAMP")
            kind = "DATETIME" if found.tzinfo is None else "TIMESTAMP"
            utc(found)
    except ValueError:
        kind = ""  # such as 2026-02-30, or the year 0 in UTC
    return frozenset({(kind, "")} if kind else ())
