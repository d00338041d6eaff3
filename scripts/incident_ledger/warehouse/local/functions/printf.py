"""FORMAT, element by element; one that is not proven for the type of its argument is refused by name.

An argument arrives as `TYPE:text`, DuckDB's type and its text, since it may be of any type; NULL as `TYPE` alone.
"""

import math
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

_ELEMENT = re.compile(r"%(?P<flags>[-+ 0']*)(?P<width>\d*)(?:\.(?P<places>\d+))?(?P<letter>.)|%$", re.DOTALL)
_INTEGERS, _FLOATS = {"BIGINT", "INTEGER", "SMALLINT", "TINYINT"}, {"DOUBLE", "FLOAT"}
_MOST = 1_000
REFUSAL = "The local warehouse cannot compute format() with {} as BigQuery does."


class _RefusedError(Exception):
    """What is not proven."""


def written(words: str, arguments: Sequence[str]) -> str | None:
    """The text; NULL when an argument is, except for `%t` and `%T`. What begins with NUL is an error's words."""
    left, made, at, is_null = list(arguments), [], 0, False
    try:
        for element in _ELEMENT.finditer(words):
            made.append(words[at : element.start()])
            at = element.end()
            if element[0] == "%%":
                made.append("%")
                continue
            if not left:
                return f"\0Invalid FORMAT string: an argument for {element[0]} is missing"
            text = _one(element, left.pop(0))
            is_null = is_null or text is None
            made.append(text or "")
    except _RefusedError as refusal:
        return f"\0{refusal}"
    if left:
        return "\0Invalid FORMAT string: it has fewer elements than arguments"
    return None if is_null else "".join([*made, words[at:]])


def _one(element: re.Match[str], argument: str) -> str | None:
    kind, is_given, text = argument.partition(":")
    if is_given:
        return _of_value(element, kind, text)
    if element["letter"] in {"t", "T"}:
        return _text(element, "NULL")
    _of_value(element, kind, "0")  # which is refused for the type
    return None


def _of_value(element: re.Match[str], kind: str, text: str) -> str:
    letter, places = element["letter"], element["places"]
    if int(element["width"] or 0) > _MOST or int(places or 0) > _MOST:
        raise _RefusedError(REFUSAL.format("so wide an element"))
    if letter in "dixXo" and kind in _INTEGERS and places is None:
        return _padded(element, _integer(letter, int(text), "'" in element["flags"]))
    if letter in "fFeE" and kind in _FLOATS and math.isfinite(float(text)):
        return _padded(element, _grouped(element, f"{float(text) or 0.0:.{places or 6}{letter}}"))
    if letter in "fF" and kind.startswith("DECIMAL"):
        return _padded(element, _grouped(element, _rounded(text, int(places or 6))))
    if letter == "s" and kind == "VARCHAR":
        return _text(element, text if places is None else text[: int(places)])
    if letter == "t" and places is None and (kind in {"VARCHAR", "BOOLEAN", "DATE"} or kind in _INTEGERS):
        return _text(element, text)
    raise _RefusedError(REFUSAL.format(f"{element[0]} of {kind}"))


def _integer(letter: str, value: int, is_grouped: bool) -> str:
    if is_grouped and letter not in "di":
        raise _RefusedError(REFUSAL.format(f"%'{letter}"))
    return format(value, "," if is_grouped else "d" if letter in "di" else letter)


def _grouped(element: re.Match[str], text: str) -> str:
    if "'" not in element["flags"]:
        return text
    if "e" in text.lower():
        raise _RefusedError(REFUSAL.format(element[0]))
    whole, point, rest = text.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}{point}{rest}"


def _rounded(text: str, places: int) -> str:
    with localcontext(Context(prec=_MOST + 50)):
        return f"{Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"


def _padded(element: re.Match[str], number: str) -> str:
    """A number with its sign, filled up to its width: with zeros behind the sign, or with blanks."""
    flags, width = element["flags"], int(element["width"] or 0)
    sign = "-" if number.startswith("-") else "+" if "+" in flags else " " if " " in flags else ""
    digits = number.removeprefix("-")
    if "-" in flags:
        return (sign + digits).ljust(width)
    if "0" in flags:
        return sign + digits.rjust(width - len(sign), "0")
    return (sign + digits).rjust(width)


def _text(element: re.Match[str], text: str) -> str:
    flags, width = element["flags"], int(element["width"] or 0)
    if set(flags) - {"-"}:
        raise _RefusedError(REFUSAL.format(element[0]))
    return text.ljust(width) if "-" in flags else text.rjust(width)


FUNCTIONS: dict[str, tuple[Callable[..., object], tuple[str, ...], str]] = {
    "il_printf": (written, ("VARCHAR", "VARCHAR[]"), "VARCHAR"),
}
MACROS = {
    "il_typed(x)": "typeof(x) || coalesce(':' || CAST(x AS VARCHAR), '')",
    "il_format(f, given)": "il_written(il_printf(f, given))",
}
