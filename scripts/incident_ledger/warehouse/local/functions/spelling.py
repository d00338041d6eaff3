"""Calls of functions that DuckDB computes otherwise, renamed in the statement's text to our own (`il_…`).

The text is changed where such a call stands and nowhere else. What names a part (`week(monday)`, `interval 3 day`) or a
type becomes a text, since our own are plain functions:

    date_trunc(d, week(monday))         il_trunc(d, 'week(monday)')
    date_add(d, interval n month)       il_add(d, n, 'month')
    extract(hour from t at time zone z) il_extract(il_local(t, z), 'hour')
    cast(x as int64)                    il_to_int64(x)
"""

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from incident_ledger.warehouse.local.functions.calls import CLOCK, PREFIX, SPELLINGS, WEEKS, call, part_name


@lru_cache(maxsize=512)
def respell(sql: str) -> str:
    """The statement with our own functions in place of DuckDB's; as it is when it cannot be read."""
    try:
        tokens = _BIGQUERY.tokenize(sql)
    except TokenError:
        return sql
    return _Text(sql, tokens).part(0, len(tokens), 0, len(sql))


_BIGQUERY = Dialect.get_or_raise("bigquery")
_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET}
_AGGREGATES = {"sum", "avg"}
_NOT_CALLS = {TokenType.INTO, TokenType.TABLE, TokenType.ALIAS}


class _Text:
    """One statement with its tokens, rewritten from the outermost call to the innermost."""

    def __init__(self, sql: str, tokens: Sequence[Any]) -> None:
        self.sql, self.tokens = sql, tokens
        self.ends = _closing(tokens)

    def part(self, first: int, last: int, start: int, end: int) -> str:
        """The text from `start` to `end`, in which the tokens `first` to `last` (without it) stand."""
        made, place, at = [], first, start
        while place < last:
            call = self._bytes(place) or self._call(place)
            if call is None:
                place += 1
                continue
            text, after = call
            made += [self.sql[at : self.tokens[place].start], text]
            place, at = after, self.tokens[after - 1].end + 1
        return "".join([*made, self.sql[at:end]])

    def _bytes(self, place: int) -> tuple[str, int] | None:
        """BYTES as their hexadecimal digits: the emulator passes their escapes on as they are."""
        token = self.tokens[place]
        if token.token_type != TokenType.BYTE_STRING:
            return None
        text = self.sql[token.start : token.end + 1]
        try:
            return f"from_hex('{ast.literal_eval(text).hex()}')", place + 1
        except (ValueError, SyntaxError):  # non-ASCII letters, which Python has no literal of
            return None

    def _call(self, place: int) -> tuple[str, int] | None:
        """The rewritten call that begins at a token, and the token after it."""
        tokens = self.tokens
        name = tokens[place].text.lower()
        known = name in SPELLINGS or name in _SPECIAL or name in _AGGREGATES
        if not known or place + 1 not in self.ends or tokens[place + 1].token_type != TokenType.L_PAREN:
            return None
        before = tokens[place - 1].token_type if place else None
        if before in _NOT_CALLS or tokens[place].token_type in {TokenType.STRING, TokenType.IDENTIFIER}:
            return None
        if before == TokenType.DOT and (place < 2 or tokens[place - 2].text.lower() != "safe"):
            return None
        close = self.ends[place + 1]
        if name in _AGGREGATES:
            return self._aggregate(place, close)
        special = _SPECIAL.get(name)
        text = special(self, place + 2, close) if special else SPELLINGS[name](self._arguments(place + 2, close))
        return (text, close + 1) if text else None

    def _aggregate(self, place: int, close: int) -> tuple[str, int]:
        """A sum or an average with its window.

        DuckDB's sum of INT64 goes beyond 2^63, where BigQuery's is an error; its average of NUMERIC is a FLOAT64.
        """
        after = close + 1
        if after + 1 < len(self.tokens) and self.tokens[after].text.lower() == "over":
            after = self.ends.get(after + 1, after + 1) + 1
        value, window = self.between(place + 2, close), self.between(close + 1, after)
        names = ("sum",) if self.tokens[place].text.lower() == "sum" else ("sum", "count", "avg")
        parts = [f"{name}({value}) {window}".rstrip() for name in names]
        return call("sum" if len(names) == 1 else "average", *parts), after

    def _arguments(self, first: int, close: int) -> list[str]:
        """The texts between the commas, rewritten themselves."""
        if first == close:
            return []
        made, begin, place = [], first, first
        while place < close:
            if place in self.ends:
                place = self.ends[place]
            elif self.tokens[place].token_type == TokenType.COMMA:
                made.append(self.between(begin, place))
                begin = place + 1
            place += 1
        return [*made, self.between(begin, close)]

    def between(self, first: int, last: int) -> str:
        """The text of tokens, rewritten."""
        if first >= last:
            return ""
        return self.part(first, last, self.tokens[first].start, self.tokens[last - 1].end + 1)

    def find(self, kind: Any, first: int, close: int) -> int | None:
        """The first token of a kind that stands in no parentheses of its own."""
        place = first
        while place < close:
            if self.tokens[place].token_type == kind:
                return place
            place = self.ends.get(place, place) + 1
        return None

    def find_words(self, words: str, first: int, close: int) -> int | None:
        """Where some words stand in no parentheses of their own."""
        wanted = words.split()
        place = first
        while place < close:
            if [token.text.lower() for token in self.tokens[place : place + len(wanted)]] == wanted:
                return place
            place = self.ends.get(place, place) + 1
        return None


def _closing(tokens: Sequence[Token]) -> dict[int, int]:
    """The closing bracket of each opening one."""
    made, opened = {}, []
    for place, token in enumerate(tokens):
        if token.token_type in _OPEN:
            opened.append(place)
        elif token.token_type in _CLOSE and opened:
            made[opened.pop()] = place
    return made


def _extract(text: _Text, first: int, close: int) -> str | None:
    """`part from x`, `part from x at time zone z`."""
    middle = text.find(TokenType.FROM, first, close)
    if middle is None:
        return None
    part = part_name(text.sql[text.tokens[first].start : text.tokens[middle - 1].end + 1])
    zone = text.find_words("at time zone", middle, close)
    value = text.between(middle + 1, close if zone is None else zone)
    if zone is not None:
        value = call("local", value, text.between(zone + 3, close))
    if part in {"date", "time", "datetime", "dayofweek"}:
        return call(f"extract_{part}", value)
    if part in WEEKS and part != "isoweek":
        return call("extract_week", value, WEEKS[part])
    if part in CLOCK:
        return call("extract_clock", value, CLOCK[part], _SIZES[part])
    units = {"isoweek": "week", "dayofyear": "doy"} | {
        name: name for name in ("day", "month", "quarter", "year", "isoyear")
    }
    return call("extract_unit", value, f"'{units[part]}'") if part in units else None


_SIZES = {"microsecond": 1_000_000, "millisecond": 1_000, "second": 60, "minute": 60, "hour": 24}
_TYPES = {
    kind: kind
    for kind in ("int64", "float64", "numeric", "bool", "string", "bytes", "date", "datetime", "time", "timestamp")
}
_TYPES |= {"integer": "int64", "int": "int64", "bigint": "int64", "decimal": "numeric", "boolean": "bool"}


def _cast(prefix: str) -> Callable[[_Text, int, int], str | None]:
    def spell(text: _Text, first: int, close: int) -> str | None:
        middle = text.find(TokenType.ALIAS, first, close)
        if middle is None:
            return None
        kind = _TYPES.get(text.sql[text.tokens[middle + 1].start : text.tokens[close - 1].end + 1].lower().strip("`"))
        return kind and f"{PREFIX}{prefix}{kind}({text.between(first, middle)})"

    return spell


def _first_of_array(text: _Text, first: int, close: int) -> str | None:
    """`array_agg(x order by n limit 2)`: DuckDB's has no limit."""
    limit = text.find(TokenType.LIMIT, first, close)
    if limit is None:
        return None
    return call("first_of", f"array_agg({text.between(first, limit)})", text.between(limit + 1, close))


_SPECIAL: dict[str, Callable[[_Text, int, int], str | None]] = {
    "array_agg": _first_of_array,
    "extract": _extract,
    "cast": _cast("to_"),
    "safe_cast": _cast("safe_to_"),
}
