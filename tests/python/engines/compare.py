"""Rows of two engines side by side: what only one of them has, value by value."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from engines.values import same

Row = Mapping[str, Any]
_SHOWN = 5


def differences(name: str, local: Sequence[Row], google: Sequence[Row]) -> list[str]:
    """Lines that name the query, and each row (the first few) that only one engine gives. None when they agree."""
    ours, theirs = _without_common([_by_value(row) for row in local], [_by_value(row) for row in google])
    ours, theirs = _without_same(ours, theirs)
    lines = [f"{name}: {len(local)} rows here, {len(google)} by Google; {len(ours)} and {len(theirs)} differ"]
    lines += [f"  only here:      {_shown(row, theirs)}" for row in ours[:_SHOWN]]
    lines += [f"  only by Google: {_shown(row, ours)}" for row in theirs[:_SHOWN]]
    return lines if ours or theirs else []


def _by_value(row: Row) -> dict[str, Any]:
    return {name.lower(): _parsed(value) for name, value in row.items()}


def _parsed(value: Any) -> Any:
    """A text that holds JSON as what it holds, so that key order and spaces do not count."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _without_common(ours: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Without the rows that both have as they are: the most, and found at once."""
    left, right = Counter(map(_key, ours)), Counter(map(_key, theirs))
    return _beyond(ours, right), _beyond(theirs, left)


def _key(value: Any) -> str:
    """Equal for values that are written differently: 1.50 and 1.5, keys in another order, a float's last places."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{name!r}:{_key(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_key, value)) + "]"
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value.normalize()) if isinstance(value, Decimal) else repr(value)


def _beyond(rows: list[Any], others: Counter[str]) -> list[Any]:
    left, rest = others.copy(), []
    for row in rows:
        if left[_key(row)] > 0:
            left[_key(row)] -= 1
        else:
            rest.append(row)
    return rest


def _without_same(ours: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Without the pairs that are the same but for the last place of a float or the order of keys."""
    rest, left = [], list(theirs)
    for row in ours:
        place = next((place for place, other in enumerate(left) if same(row, other)), None)
        if place is None:
            rest.append(row)
        else:
            del left[place]
    return rest, left


def _shown(row: Row, others: Sequence[Row]) -> str:
    """The row; of a row that has a likely partner, the columns that differ and its first column to know it by."""
    first = next(iter(row), None)
    partner = next((other for other in others if other.get(first) == row[first]), None) if first else None
    if partner is None or partner.keys() != row.keys():
        return repr(row)
    return repr({name: value for name, value in row.items() if name == first or not same(value, partner[name])})
