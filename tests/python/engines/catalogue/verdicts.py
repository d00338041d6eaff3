"""What the two outcomes of a case amount to."""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

from engines.catalogue.engines import Outcome

ULPS = 4
"""Two floats are equal when no more than so many floats lie from the one to the other: libraries of mathematics differ."""


def verdict(google: Outcome, local: Outcome, ulps: int = ULPS) -> str:
    """`equal`, `refused` (by name, locally), or `wrong`."""
    if local.refusal is not None and "cannot compute" in local.refusal:
        return "refused"
    if google.refusal is not None or local.refusal is not None:
        return "equal" if google.refusal is not None and local.refusal is not None else "wrong"
    if "JSON" in google.kind:  # a JSON object has no order
        google, local = (Outcome(side.kind, _sorted(side.value)) for side in (google, local))
    return "equal" if google.kind == local.kind and same(google.value, local.value, ulps) else "wrong"


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def same(ours: Any, theirs: Any, ulps: int) -> bool:
    """Equal by value; floats within `ulps`, structures part by part."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key], ulps) for key in ours)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(same(a, b, ulps) for a, b in zip(ours, theirs, strict=True))
    if isinstance(ours, float) and isinstance(theirs, float):
        return _close(ours, theirs, ulps)
    return type(ours) is type(theirs) and bool(ours == theirs)


def _close(ours: float, theirs: float, ulps: int) -> bool:
    if not (math.isfinite(ours) and math.isfinite(theirs)):
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    return abs(_place(ours) - _place(theirs)) <= ulps


def _place(value: float) -> int:
    """The place of a float in the order of all floats."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)


def shown(outcome: Outcome) -> str:
    """An outcome on one line."""
    if outcome.refusal is not None:
        return f"refused: {outcome.refusal.splitlines()[0][:160]}"
    value = (
        json.dumps(outcome.value, default=repr, ensure_ascii=False)
        if isinstance(outcome.value, dict | list)
        else repr(outcome.value)
    )
    return f"{outcome.kind} {value[:200]}"
