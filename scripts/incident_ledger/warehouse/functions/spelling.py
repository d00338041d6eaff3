"""Calls of functions that DuckDB computes otherwise, renamed in the statement's text to our own (`il_…`).

The text is changed where such a call stands and nowhere else. What names a part (`week(monday)`, `interval 3 day`) or a
type becomes a text, since our own are plain functions:

    date_trunc(d, week(monday))         il_trunc(d, 'week(monday)')
    date_add(d, interval n month)       il_add(d, n, 'month')
    extract(hour from t at time zone z) il_extract(il_local(t, z), 'hour')
    cast(x as int64)                    il_to_int64(x)
"""

import ast
import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

PREFIX = "il_"

Arguments = Sequence[str]
Spelling = Callable[[Arguments], str | None]


def _renamed(name: str, *arities: int) -> Spelling:
    """The same arguments under our name; with `arities`, only so many of them."""

    def spell(arguments: Arguments) -> str | None:
        if arities and len(arguments) not in arities:
            return None
        return f"{PREFIX}{name}({', '.join(arguments)})"

    return spell


def _part(text: str) -> str:
    """`WEEK ( Monday )` as `week(monday)`."""
    return re.sub(r"\s+", "", text).lower()


_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_WEEKS = {"week": 0, "isoweek": 1} | {f"week({day})": number for number, day in enumerate(_DAYS)}
_UNITS = {"month": 1, "quarter": 3, "year": 12}
_CLOCK = {"microsecond": 1, "millisecond": 1_000, "second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000}
_QUOTED = re.compile(r"^['\"](-?\d+)['\"]$")  # interval '3' day
_INTERVAL = re.compile(r"(?is)\s*interval\b(.*?)\b([a-z]+)\s*")


def _call(name: str, *arguments: object) -> str:
    return f"{PREFIX}{name}({', '.join(map(str, arguments))})"


def _trunc(arguments: Arguments) -> str | None:
    """`x, part` and, of a timestamp, `x, part, zone`."""
    if len(arguments) == 3:
        inner = _trunc([_call("local", arguments[0], arguments[2]), arguments[1]])
        return inner and _call("from_local", inner, arguments[2])
    if len(arguments) != 2:
        return None
    value, part = arguments[0], _part(arguments[1])
    if part in _WEEKS:
        return _call("trunc_week", value, _WEEKS[part])
    if part in _CLOCK:
        return _call("trunc_clock", value, _CLOCK[part])
    if part == "isoyear":
        return _call("trunc_isoyear", value)
    return _call("trunc_unit", value, f"'{part}'") if part in {*_UNITS, "day"} else None


def _last_day(arguments: Arguments) -> str | None:
    value, part = arguments[0], _part(arguments[1]) if len(arguments) > 1 else "month"
    if part in _WEEKS:
        return _call("last_day_week", value, _WEEKS[part])
    if part == "isoyear":
        return _call("last_day_isoyear", value)
    return _call("last_day_unit", value, f"'{part}'", _UNITS[part]) if part in _UNITS else None


def _diff(arguments: Arguments) -> str | None:
    if len(arguments) != 3:
        return None
    both, part = arguments[:2], _part(arguments[2])
    if part in _WEEKS:
        return _call("diff_week", *both, _WEEKS[part])
    if part in _CLOCK:
        return _call("diff_clock", *both, _CLOCK[part])
    if part in {"day", "isoyear"}:
        return _call(f"diff_{part}", *both)
    return _call("diff_unit", *both, f"'{part}'") if part in _UNITS else None


def _time(name: str, place: int) -> Spelling:
    def spell(arguments: Arguments) -> str | None:
        part = _part(arguments[place]) if len(arguments) == place + 1 else ""
        return _call(name, *arguments[:place], _CLOCK[part]) if part in _CLOCK else None

    return spell


def _add(sign: str, clock: str = "add_clock") -> Spelling:
    """`x, interval n part`; `n` is any expression."""

    def spell(arguments: Arguments) -> str | None:
        found = _INTERVAL.fullmatch(arguments[1]) if len(arguments) == 2 else None
        if found is None:
            return None
        count = _QUOTED.sub(r"\1", found[1].strip())
        value, number, part = arguments[0], f"{sign}({count})", found[2].lower()
        if part in _CLOCK:
            return _call(clock, value, number, _CLOCK[part])
        if part == "week":
            return _call("add_days", _call("no_timestamp", value), f"{number} * 7")
        if part == "day":
            return _call("add_days", value, number)
        return _call("add_months", value, f"{number} * {_UNITS[part]}") if part in _UNITS else None

    return spell


def _by_count(**names: str) -> Spelling:
    """Another of our functions for each number of arguments: `one="date", two="date_at"`."""
    counts = {"one": 1, "two": 2, "three": 3, "four": 4}
    by_count = {counts[count]: name for count, name in names.items()}
    return lambda arguments: (name := by_count.get(len(arguments))) and _call(name, *arguments)


def _of_parts(name: str, arguments: Arguments, first: int) -> str | None:
    """Year, month, day and hour, minute, second: DuckDB takes 24 hours for the next day."""
    if len(arguments) != first + 3:
        return None
    clock = [_call("below", part, most) for part, most in zip(arguments[first:], (24, 60, 60), strict=True)]
    return f"{name}({', '.join([*arguments[:first], *clock])})"


def _zoned(name: str) -> Spelling:
    """Two arguments, and a zone."""
    return lambda arguments: _call(name, *arguments, *(["'UTC'"] if len(arguments) == 2 else []))


_PATH = re.compile(r"""\s*r?(?:'\$(\.[A-Za-z_]\w*|\[\d+\]|\."[^"'\\]+")*'|"\$(\.[A-Za-z_]\w*|\[\d+\])*")\s*""")


def _json(name: str, arguments: Arguments, like: str | None = None) -> str:
    """Text that is no JSON is NULL; what comes out is JSON of JSON (`like`) and text of text."""
    value, *path = arguments
    if path and not _PATH.fullmatch(path[0]):
        return _call("refused", "'this JSON path'")
    made = f"{name}({', '.join([_call('valid_json', value), *path])})"
    return _call("like", made, like.format(value)) if like else made


def _concatenated(arguments: Arguments) -> str | None:
    if len(arguments) < 2:
        return None
    made = arguments[0]
    for argument in arguments[1:]:
        made = _call("array_concat", made, argument)
    return made


def _of_one(name: str) -> Spelling:
    return lambda arguments: _call(name, *arguments) if len(arguments) == 1 else None


def _of_two(name: str) -> Spelling:
    return lambda arguments: _call(name, *arguments) if len(arguments) == 2 else None


def _with_count(name: str, place: int) -> Spelling:
    """The argument at `place` is a length or a count, which is never negative."""

    def spell(arguments: Arguments) -> str | None:
        if len(arguments) <= place:
            return None
        changed = [*arguments[:place], _call("natural", arguments[place]), *arguments[place + 1 :]]
        return f"{name}({', '.join(changed)})"

    return spell


def _places(name: str) -> Spelling:
    def spell(arguments: Arguments) -> str | None:
        if len(arguments) == 1:
            return _call(name, *arguments)
        if len(arguments) != 2:
            return None
        value, places = arguments
        if not re.fullmatch(r"\s*-?\s*\d+\s*", places):
            places = _call("places", value, places, f"'{name}'")
        return _call("numeric", f"{name}({value}, {places})")

    return spell


def _no_numeric(name: str) -> Spelling:
    return lambda arguments: f"{name}({', '.join(_call('no_numeric', argument, repr(name)) for argument in arguments)})"


_DISTINCT = re.compile(r"(?is)\s*distinct\b")


def _averaged(name: str, arguments: Arguments) -> str | None:
    """DuckDB's averages of NUMERIC are FLOAT64."""
    if len(arguments) != 1:
        return None
    distinct = _DISTINCT.match(arguments[0])
    value = arguments[0][distinct.end() :] if distinct else arguments[0]
    return f"{name}({'distinct ' if distinct else ''}{_call('no_numeric', value, repr(name))})"


SPELLINGS: dict[str, Spelling] = {
    **dict.fromkeys(("date_trunc", "timestamp_trunc"), _trunc),
    "datetime_trunc": lambda arguments: _trunc([_call("instant", arguments[0]), *arguments[1:]]),
    "time_trunc": _time("time_trunc", 1),
    "last_day": _last_day,
    **dict.fromkeys(("date_diff", "datetime_diff", "timestamp_diff"), _diff),
    "time_diff": _time("time_diff", 2),
    **{f"{kind}_add": _add("") for kind in ("date", "datetime", "timestamp")},
    **{f"{kind}_sub": _add("-") for kind in ("date", "datetime", "timestamp")},
    "time_add": _add("", "time_add"),
    "time_sub": _add("-", "time_add"),
    "date": _by_count(one="date", two="date_at"),
    "datetime": lambda arguments: (
        _of_parts("datetime", arguments, 3) or _by_count(one="datetime", two="datetime_at")(arguments)
    ),
    "time": lambda arguments: _of_parts("time", arguments, 0) or _by_count(one="time_of", two="time_at")(arguments),
    "generate_date_array": lambda arguments: (
        _call("refused", "'a step of 0'")
        if len(arguments) == 3 and re.fullmatch(r"(?is)\s*interval\s+0\s+\w+\s*", arguments[2])
        else None
    ),
    "timestamp": _by_count(one="to_timestamp", two="timestamp_at"),
    **{name: _of_two(name) for name in ("format_date", "format_datetime", "format_time")},
    **{name: _of_two(name) for name in ("parse_date", "parse_datetime", "parse_time")},
    "format_timestamp": _zoned("format_timestamp_at"),
    "parse_timestamp": _zoned("parse_timestamp_at"),
    "json_query": lambda arguments: _json("json_query", arguments, "{}"),
    "json_query_array": lambda arguments: _json("json_query_array", arguments, "[{}]"),
    "json_value": lambda arguments: _json("json_value", arguments),
    "json_value_array": lambda arguments: _json("json_value_array", arguments),
    "parse_json": lambda arguments: f"parse_json({_call('parsable', arguments[0])})" if len(arguments) == 1 else None,
    "to_json_string": lambda arguments: (
        f"coalesce(to_json_string({_call('jsonable', arguments[0])}), 'null')" if len(arguments) == 1 else None
    ),
    "to_json": lambda arguments: (
        f"to_json({_call('jsonable', _call('given', arguments[0]))})" if len(arguments) == 1 else None
    ),
    "array_concat": _concatenated,
    "generate_array": lambda arguments: (
        f"generate_array({arguments[0]}, {arguments[1]}, {_call('step', arguments[2])})"
        if len(arguments) == 3
        else None
    ),
    "current_datetime": lambda arguments: _call("current_datetime_at" if arguments else "current_datetime", *arguments),
    "instr": lambda arguments: _call("instr", *arguments, *("1", "1")[len(arguments) - 2 :]),
    **{name: _with_count(name, 1) for name in ("left", "right", "repeat", "lpad", "rpad")},
    **{name: _with_count(name, 2) for name in ("substr", "substring")},
    **{name: _of_one(name) for name in ("sign", "ceil", "floor", "sqrt", "exp", "ln", "log10", "is_nan")},
    **{name: _of_one(name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: _places(name) for name in ("round", "trunc")},
    "ceiling": _of_one("ceil"),
    "ascii": lambda arguments: f"ascii({_call('ascii_only', *arguments)})" if len(arguments) == 1 else None,
    "bit_count": _of_one("bit_count"),
    "mod": _of_two("mod"),
    "log": lambda arguments: _call("log" if len(arguments) == 2 else "ln", *arguments),
    **{name: _no_numeric(name) for name in ("safe_divide", "ieee_divide")},
    "div": lambda arguments: (
        f"div({_call('no_numeric', arguments[0], repr('div'))}, "
        f"{_call('nonzero', _call('no_numeric', arguments[1], repr('div')))})"
        if len(arguments) == 2
        else None
    ),
    **{name: _of_two("pow") for name in ("pow", "power")},
    "percentile_cont": lambda arguments: (
        f"percentile_cont({', '.join([_call('no_numeric', arguments[0], repr('percentile_cont')), *arguments[1:]])})"
    ),
    "avg": partial(_averaged, "avg"),
    **{
        name: partial(_averaged, name)
        for name in ("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop")
    },
}


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
        known = name in SPELLINGS or name in _SPECIAL or name == "sum"
        if not known or place + 1 not in self.ends or tokens[place + 1].token_type != TokenType.L_PAREN:
            return None
        before = tokens[place - 1].token_type if place else None
        if before in _NOT_CALLS or tokens[place].token_type in {TokenType.STRING, TokenType.IDENTIFIER}:
            return None
        if before == TokenType.DOT and (place < 2 or tokens[place - 2].text.lower() != "safe"):
            return None
        close = self.ends[place + 1]
        if name == "sum":
            return self._sum(place, close)
        special = _SPECIAL.get(name)
        text = special(self, place + 2, close) if special else SPELLINGS[name](self._arguments(place + 2, close))
        return (text, close + 1) if text else None

    def _sum(self, place: int, close: int) -> tuple[str, int]:
        """A sum of INT64 with its window: DuckDB's goes beyond 2^63, BigQuery's is an error there."""
        after = close + 1
        if after + 1 < len(self.tokens) and self.tokens[after].text.lower() == "over":
            after = self.ends.get(after + 1, after + 1) + 1
        words = f"{self.tokens[place].text}({self.between(place + 2, close)})"
        window = self.between(close + 1, after)
        return _call("sum", f"{words} {window}".rstrip()), after

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
    part = _part(text.sql[text.tokens[first].start : text.tokens[middle - 1].end + 1])
    zone = text.find_words("at time zone", middle, close)
    value = text.between(middle + 1, close if zone is None else zone)
    if zone is not None:
        value = _call("local", value, text.between(zone + 3, close))
    if part in {"date", "time", "datetime", "dayofweek"}:
        return _call(f"extract_{part}", value)
    if part in _WEEKS and part != "isoweek":
        return _call("extract_week", value, _WEEKS[part])
    if part in _CLOCK:
        return _call("extract_clock", value, _CLOCK[part], _SIZES[part])
    units = {"isoweek": "week", "dayofyear": "doy"} | {
        name: name for name in ("day", "month", "quarter", "year", "isoyear")
    }
    return _call("extract_unit", value, f"'{units[part]}'") if part in units else None


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


_SPECIAL: dict[str, Callable[[_Text, int, int], str | None]] = {
    "extract": _extract,
    "cast": _cast("to_"),
    "safe_cast": _cast("safe_to_"),
}
