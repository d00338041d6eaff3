"""How a call with its arguments is written with our own functions; None where DuckDB's own is right.

What names a part (`week(monday)`, `interval 3 day`) becomes a text or a number, since our own are plain functions.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial

PREFIX = "il_"

Arguments = Sequence[str]
Spelling = Callable[[Arguments], str | None]


def part_name(text: str) -> str:
    """A part in one form: `WEEK ( Monday )` as `week(monday)`."""
    return re.sub(r"\s+", "", text).lower()


_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
WEEKS = {"week": 0, "isoweek": 1} | {f"week({day})": number for number, day in enumerate(_DAYS)}
_UNITS = {"month": 1, "quarter": 3, "year": 12}
CLOCK = {"microsecond": 1, "millisecond": 1_000, "second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000}
_QUOTED = re.compile(r"^['\"](-?\d+)['\"]$")  # interval '3' day
_INTERVAL = re.compile(r"(?is)\s*interval\b(.*?)\b([a-z]+)\s*")


def call(name: str, *arguments: object) -> str:
    """A call of a function of our own."""
    return f"{PREFIX}{name}({', '.join(map(str, arguments))})"


def _trunc(arguments: Arguments) -> str | None:
    """`x, part` and, of a timestamp, `x, part, zone`."""
    if len(arguments) == 3:
        local = "datetime_at" if part_name(arguments[1]) == "isoyear" else "local"  # which has no year 10000
        inner = _trunc([call(local, arguments[0], arguments[2]), arguments[1]])
        return inner and call("from_local", inner, arguments[2])
    if len(arguments) != 2:
        return None
    value, part = arguments[0], part_name(arguments[1])
    if part in WEEKS:
        return call("trunc_week", value, WEEKS[part])
    if part in CLOCK:
        return call("trunc_clock", value, CLOCK[part])
    if part == "isoyear":
        return call("trunc_isoyear", value)
    return call("trunc_unit", value, f"'{part}'") if part in {*_UNITS, "day"} else None


def _last_day(arguments: Arguments) -> str | None:
    value, part = arguments[0], part_name(arguments[1]) if len(arguments) > 1 else "month"
    if part in WEEKS:
        return call("last_day_week", value, WEEKS[part])
    if part == "isoyear":
        return call("last_day_isoyear", value)
    return call("last_day_unit", value, f"'{part}'", _UNITS[part]) if part in _UNITS else None


def _diff(arguments: Arguments) -> str | None:
    if len(arguments) != 3:
        return None
    both, part = arguments[:2], part_name(arguments[2])
    if part in WEEKS:
        return call("diff_week", *both, WEEKS[part])
    if part in CLOCK:
        return call("diff_clock", *both, CLOCK[part])
    if part in {"day", "isoyear"}:
        return call(f"diff_{part}", *both)
    return call("diff_unit", *both, f"'{part}'") if part in _UNITS else None


def _time(name: str, place: int) -> Spelling:
    def spell(arguments: Arguments) -> str | None:
        part = part_name(arguments[place]) if len(arguments) == place + 1 else ""
        return call(name, *arguments[:place], CLOCK[part]) if part in CLOCK else None

    return spell


def _add(sign: str, clock: str = "add_clock") -> Spelling:
    """`x, interval n part`; `n` is any expression."""

    def spell(arguments: Arguments) -> str | None:
        found = _INTERVAL.fullmatch(arguments[1]) if len(arguments) == 2 else None
        if found is None:
            return None
        count = _QUOTED.sub(r"\1", found[1].strip())
        value, number, part = arguments[0], f"{sign}({count})", found[2].lower()
        if part in CLOCK:
            return call(clock, value, number, CLOCK[part])
        if part == "week":
            return call("add_days", call("no_timestamp", value), f"{number} * 7")
        if part == "day":
            return call("add_days", value, number)
        return call("add_months", value, f"{number} * {_UNITS[part]}") if part in _UNITS else None

    return spell


def _by_count(**names: str) -> Spelling:
    """Another of our functions for each number of arguments: `one="date", two="date_at"`."""
    counts = {"one": 1, "two": 2, "three": 3, "four": 4}
    by_count = {counts[count]: name for count, name in names.items()}
    return lambda arguments: (name := by_count.get(len(arguments))) and call(name, *arguments)


def _of_parts(name: str, arguments: Arguments, first: int) -> str | None:
    """Year, month, day and hour, minute, second: DuckDB takes 24 hours for the next day."""
    if len(arguments) != first + 3:
        return None
    clock = [call("below", part, most) for part, most in zip(arguments[first:], (24, 60, 60), strict=True)]
    return f"{name}({', '.join([*arguments[:first], *clock])})"


def _zoned(name: str) -> Spelling:
    """Two arguments, and a zone."""
    return lambda arguments: call(name, *arguments, *(["'UTC'"] if len(arguments) == 2 else []))


_PATH = re.compile(r"""\s*r?(?:'\$(\.[A-Za-z_]\w*|\[\d+\]|\."[^"'\\]+")*'|"\$(\.[A-Za-z_]\w*|\[\d+\])*")\s*""")


_OLD_PATH = re.compile(r"""\s*r?(['"])\$(\.[A-Za-z_]\w*|\[\d+\])*\1\s*""")  # of the legacy `json_extract…`


def _json(name: str, arguments: Arguments, like: str | None = None, known: re.Pattern[str] = _PATH) -> str:
    """Text that is no JSON is NULL; what comes out is JSON of JSON (`like`) and text of text."""
    value, *path = arguments
    if path and not known.fullmatch(path[0]):
        return call("refused", "'this JSON path'")
    made = f"{name}({', '.join([call('valid_json', value), *path])})"
    return call("like", made, like.format(value)) if like else made


def _scalars(known: re.Pattern[str]) -> Spelling:
    """NULL of an array that holds an object or an array."""

    def spell(arguments: Arguments) -> str:
        texts, parts = (_json(f"json_{what}_array", arguments, known=known) for what in ("value", "query"))
        return call("scalars", texts, parts)

    return spell


def _substr(name: str, arguments: Arguments) -> str | None:
    """From place 0 as from 1; a length is never negative."""
    if len(arguments) not in {2, 3}:
        return None
    length = [call("natural", arguments[2])] if len(arguments) == 3 else []
    return f"{name}({', '.join([arguments[0], call('first_place', arguments[1]), *length])})"


def _concatenated(arguments: Arguments) -> str | None:
    if len(arguments) < 2:
        return None
    made = arguments[0]
    for argument in arguments[1:]:
        made = call("array_concat", made, argument)
    return made


def _of_one(name: str) -> Spelling:
    return lambda arguments: call(name, *arguments) if len(arguments) == 1 else None


def _of_two(name: str) -> Spelling:
    return lambda arguments: call(name, *arguments) if len(arguments) == 2 else None


def _with_count(name: str) -> Spelling:
    """The second argument is a length or a count, which is never negative."""

    def spell(arguments: Arguments) -> str | None:
        if len(arguments) < 2:
            return None
        return f"{name}({', '.join([arguments[0], call('natural', arguments[1]), *arguments[2:]])})"

    return spell


def _padded(name: str, arguments: Arguments) -> str | None:
    """With blanks where no pattern is given."""
    return call(name, *arguments, *["' '"][len(arguments) - 2 :]) if len(arguments) in {2, 3} else None


def _places(name: str) -> Spelling:
    def spell(arguments: Arguments) -> str | None:
        if len(arguments) == 1:
            return call(name, *arguments)
        if len(arguments) != 2:
            return None
        value, places = arguments
        if not re.fullmatch(r"\s*-?\s*\d+\s*", places):
            places = call("places", value, places, f"'{name}'")
        return call("rounded", f"{name}({value}, {places})", value)

    return spell


def _no_numeric(name: str) -> Spelling:
    return lambda arguments: f"{name}({', '.join(call('no_numeric', argument, repr(name)) for argument in arguments)})"


_DISTINCT = re.compile(r"(?is)\s*distinct\b")


def _averaged(name: str, arguments: Arguments) -> str | None:
    """DuckDB's averages of NUMERIC are FLOAT64."""
    if len(arguments) != 1:
        return None
    distinct = _DISTINCT.match(arguments[0])
    value = arguments[0][distinct.end() :] if distinct else arguments[0]
    return f"{name}({'distinct ' if distinct else ''}{call('no_numeric', value, repr(name))})"


_FLOAT = re.compile(r"\s*-?\s*\d+(\.\d*)?([eE][+-]?\d+)?\s*")


def _safe_divide(arguments: Arguments) -> str | None:
    """A literal with a point is of the other's type."""
    if len(arguments) != 2:
        return None
    typed = [
        call("literal", f"'{argument.replace(' ', '')}'", other)
        if _FLOAT.fullmatch(argument) and not argument.strip(" -").isdigit() and not _FLOAT.fullmatch(other)
        else argument
        for argument, other in zip(arguments, reversed(arguments), strict=True)
    ]
    return call("safe_divide", *typed)


def _format(arguments: Arguments) -> str | None:
    if not arguments:
        return None
    words, *given = arguments
    typed = ", ".join(call("typed", argument) for argument in given)
    return call("format", words, f"[{typed}]" if given else "cast([] as array<string>)")


SPELLINGS: dict[str, Spelling] = {
    "format": _format,
    **dict.fromkeys(("date_trunc", "timestamp_trunc"), _trunc),
    "datetime_trunc": lambda arguments: _trunc([call("instant", arguments[0]), *arguments[1:]]),
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
        call("refused", "'a step of 0'")
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
    "json_value_array": _scalars(_PATH),
    "json_extract": lambda arguments: _json("json_query", arguments, "{}", _OLD_PATH),
    "json_extract_array": lambda arguments: _json("json_query_array", arguments, "[{}]", _OLD_PATH),
    "json_extract_scalar": lambda arguments: _json("json_value", arguments, known=_OLD_PATH),
    "json_extract_string_array": _scalars(_OLD_PATH),
    "json_type": lambda arguments: call("json_kind", f"json_type({arguments[0]})") if len(arguments) == 1 else None,
    "parse_json": lambda arguments: f"parse_json({call('parsable', arguments[0])})" if len(arguments) == 1 else None,
    "to_json_string": lambda arguments: (
        f"coalesce(to_json_string({call('jsonable', arguments[0])}), 'null')" if len(arguments) == 1 else None
    ),
    "to_json": lambda arguments: (
        f"to_json({call('jsonable', call('given', arguments[0]))})" if len(arguments) == 1 else None
    ),
    "array_concat": _concatenated,
    "generate_array": lambda arguments: (
        f"generate_array({arguments[0]}, {arguments[1]}, {call('step', arguments[2])})" if len(arguments) == 3 else None
    ),
    "current_datetime": lambda arguments: call("current_datetime_at" if arguments else "current_datetime", *arguments),
    "instr": lambda arguments: call("instr", *arguments, *("1", "1")[len(arguments) - 2 :]),
    **{name: _with_count(name) for name in ("left", "right", "repeat")},
    **{name: partial(_padded, name) for name in ("lpad", "rpad")},
    "countif": lambda arguments: (
        f"count(case when {arguments[0]} then 1 end)"
        if len(arguments) == 1 and not _DISTINCT.match(arguments[0])
        else None
    ),
    **{name: partial(_substr, name) for name in ("substr", "substring")},
    "unicode": _of_one("unicode"),
    "unix_seconds": _of_one("unix_seconds"),
    "split": lambda arguments: (
        call("unless_null", f"split({', '.join(arguments)})", arguments[1]) if len(arguments) == 2 else None
    ),
    **{name: _of_one(name) for name in ("sign", "ceil", "floor", "sqrt", "exp", "ln", "log10", "is_nan")},
    **{name: _of_one(name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: _places(name) for name in ("round", "trunc")},
    "ceiling": _of_one("ceil"),
    "ascii": lambda arguments: f"ascii({call('ascii_only', *arguments)})" if len(arguments) == 1 else None,
    "bit_count": _of_one("bit_count"),
    "mod": _of_two("mod"),
    "log": lambda arguments: call("log" if len(arguments) == 2 else "ln", *arguments),
    "safe_divide": _safe_divide,
    "ieee_divide": _no_numeric("ieee_divide"),
    "div": lambda arguments: (
        f"div({call('no_numeric', arguments[0], repr('div'))}, "
        f"{call('nonzero', call('no_numeric', arguments[1], repr('div')))})"
        if len(arguments) == 2
        else None
    ),
    **{name: _of_two("pow") for name in ("pow", "power")},
    "percentile_cont": lambda arguments: (
        f"percentile_cont({', '.join([call('no_numeric', arguments[0], repr('percentile_cont')), *arguments[1:]])})"
    ),
    **{
        name: partial(_averaged, name)
        for name in ("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop")
    },
}
