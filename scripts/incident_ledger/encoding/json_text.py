"""JSON of others, within bounds: what no table keeps or Python cannot read is named, with its place.

    read_json    the value, or `JsonError` with line, column and field
    scan_json    the value with a `Fault` where something cannot be kept, for a reader that refuses one record of many
    find_fault   the first `Fault` in a value, with its field

Refused are what is not JSON (NaN and Infinity too), nesting deeper than `MAX_DEPTH`, numbers that no column holds
(over `MAX_DIGITS` digits, `1e400`), a key that an object has twice, and what is no text: NUL and half a surrogate pair.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import uuid4

from incident_ledger.encoding.texts import escaped, text_problem

MAX_DEPTH = 100
MAX_DIGITS = 39  # BIGNUMERIC keeps no longer whole number
_MAX_TOKENS = 5_000_000  # read for a fault's place, some seconds; beyond them it has its field and no line
_MAX_SHOWN = 60

Step = str | int
# Possessive: a text is read once, also one that nobody closed.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)


class JsonError(ValueError):
    """A text that is not JSON which can be kept. `str()` has reason, line and column (from 1) and the field."""

    def __init__(self, reason: str, *, line: int = 0, column: int = 0, path: str = "") -> None:
        place = f" at line {line}, column {column}" if line else ""
        super().__init__(f"{reason}{place}" + f" ({path})" * bool(path))
        self.reason, self.line, self.column, self.path = reason, line, column, path


@dataclass(frozen=True)
class Fault:
    """Stands in a value for a part that cannot be kept. `written` is how it came, or its beginning."""

    reason: str
    written: str = ""


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_json(text: str | bytes, *, number: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text (UTF-8, with or without a byte order mark).

    `number` makes a value of every number as it was written (`Decimal`, a text); else they are int and float, and one
    that neither can hold is refused. Raises `JsonError`.
    """
    text = _decoded(text)
    value = scan_json(text, number=number)
    found = find_fault(value)
    if found is None:
        return value
    steps, fault = found
    raise _error(text, fault.reason, _position_of(text, steps), steps)


def scan_json(text: str | bytes, *, number: Callable[[str], Any] | None = None) -> Any:
    """The value of a JSON text, with a `Fault` for every part that `read_json` would refuse, other than bad text.

    `find_fault` finds them, and bad text too. Raises `JsonError` for what is not JSON at all.
    """
    text = _decoded(text)
    try:
        value = _loads(text, number)
    except RecursionError:
        return _scan_deep(text, number)
    return _cut(value)


def find_fault(value: Any) -> tuple[list[Step], Fault] | None:
    """The first part of a scanned value that cannot be kept, with the way to it; None when all can."""
    if isinstance(value, Fault):
        return [], value
    if isinstance(value, str):
        fault = _text_fault(value)
        return ([], fault) if fault else None
    if isinstance(value, dict):
        for key, item in value.items():
            if fault := _text_fault(key):
                return [], fault
            if found := find_fault(item):
                return [key, *found[0]], found[1]
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if found := find_fault(item):
                return [index, *found[0]], found[1]
    return None


def path_text(steps: list[Step]) -> str:
    """`data[0].model`, its middle left out when it is long."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    shown = escaped(text)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[: _MAX_SHOWN // 2]}…{shown[-_MAX_SHOWN // 2 :]}"


def written_json(value: Any) -> str:
    """A scanned value as JSON again, for a person to see what came; a fault is shown as it was written."""
    return json.dumps(value, ensure_ascii=False, default=_written)


def _written(part: Any) -> str:
    return part.written or part.reason if isinstance(part, Fault) else str(part)


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    content = text.removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        line, column = _line_and_column(before, len(before))
        raise JsonError(f"byte {content[error.start]:#04x} is not UTF-8", line=line, column=column) from None


def _loads(text: str, number: Callable[[str], Any] | None) -> Any:
    try:
        return json.loads(
            text,
            parse_int=number or _integer,
            parse_float=number or _float,
            parse_constant=lambda word: Fault(f"{word} is not a number of JSON", word),
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        if not text.strip():
            raise JsonError("is empty") from None
        raise _error(text, error.msg, error.pos, None) from None


def _scan_deep(text: str, number: Callable[[str], Any] | None) -> Any:
    """What is nested too deeply for Python itself: read with a mark in the place of each part that is."""
    mark, kept, begin, depth = f"too deep {uuid4().hex}", [], 0, 0
    for token in _tokens(text):
        sign = token[0]
        if sign in "[{":
            if depth == MAX_DEPTH:
                kept.append(text[begin : token.start()])
                begin = token.start()
            depth += 1
        elif sign in "]}":
            depth -= 1
            if depth == MAX_DEPTH:
                kept.append(f'"{mark}"')
                begin = token.end()
    if depth > MAX_DEPTH:  # never closed, or not before the last token that is read
        raise _error(text, _TOO_DEEP.reason, begin, None)
    kept.append(text[begin:])
    try:
        return _marked(_loads("".join(kept), number), mark)
    except JsonError as error:
        # Its place is one of the shortened text.
        raise JsonError(error.reason, path=error.path) from None


def _marked(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return _TOO_DEEP if mark in value else {key: _marked(item, mark) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, mark) for item in value]
    return _TOO_DEEP if value == mark else value


def _cut(value: Any) -> Any:
    """The value with a `Fault` for each object or list that is nested too deeply. Level by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _depth in range(MAX_DEPTH - 1):
        level = [part for whole in level for part in _parts(whole) if isinstance(part, dict | list)]
        if not level:
            return value
    for whole in level:
        for key, part in whole.items() if isinstance(whole, dict) else enumerate(whole):
            if isinstance(part, dict | list):
                whole[key] = _TOO_DEEP
    return value


def _parts(whole: Any) -> Any:
    return whole.values() if isinstance(whole, dict) else whole


_TOO_DEEP = Fault(f"nested more than {MAX_DEPTH} deep", "…")


def _integer(text: str) -> int | Fault:
    digits = len(text.lstrip("-"))
    return int(text) if digits <= MAX_DIGITS else Fault(f"a number has {digits} digits, over {MAX_DIGITS}", text)


def _float(text: str) -> float | Fault:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        return Fault(f"{text[:_MAX_SHOWN]} is too large a number", text)
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        return Fault(f"{text[:_MAX_SHOWN]} is too small a number", text)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Fault:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    twice = next(key for key, _item in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return Fault(f"an object has the key {twice[:_MAX_SHOWN]!r} twice", "{…}")


def _text_fault(text: str) -> Fault | None:
    problem = text_problem(text)
    return Fault(f"a text {problem}", text) if problem else None


def _error(text: str, reason: str, position: int | None, steps: list[Step] | None) -> JsonError:
    """`steps` are those of the last value before the position where they are not given."""
    if position is None:
        return JsonError(reason, path=path_text(steps or []))
    if steps is None:
        for at, way in _values(text):
            if at > position:
                break
            steps = list(way)
    line, column = _line_and_column(text, position)
    return JsonError(reason, line=line, column=column, path=path_text(steps or []))


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _position_of(text: str, steps: list[Step]) -> int | None:
    """Where a value stands, by the way to it."""
    return next((at for at, way in _values(text) if way == steps), None)


def _values(text: str) -> Iterator[tuple[int, list[Step]]]:
    """Each value's position, with the way to it (one list, which changes). Of what is not JSON: what can be found."""
    way: list[Any] = []  # an index, a key, or None between an object's members
    for token in _tokens(text):
        sign = token[0]
        if sign in "]}":
            del way[-1:]
        elif sign == ",":
            if way:
                way[-1] = way[-1] + 1 if isinstance(way[-1], int) else None
        elif sign == ":":
            continue
        elif way and way[-1] is None:
            way[-1] = _key(sign)
        else:
            yield token.start(), way
            if sign in "[{":
                way.append(0 if sign == "[" else None)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return islice(_TOKEN.finditer(text), _MAX_TOKENS)


def _key(sign: str) -> str:
    try:
        return str(json.loads(sign))
    except ValueError:
        return sign
