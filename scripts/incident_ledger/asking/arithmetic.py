"""The arithmetic of a figure, step by step in words, and its result. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Step:
    """A figure by name, how it comes about, and its value; None where there is nothing to compute it of."""

    name: str
    how: str
    value: float | None


def mean(values: Sequence[float]) -> Step:
    """The mean: of exact fractions, so that the order of the rows does not matter."""
    if not values:
        return Step("mean", "of no value", None)
    total = float(sum(map(Fraction, values)))
    return Step("mean", f"{total:,.3f} / {len(values)}", total / len(values))


def percentile(name: str, values: Sequence[float], share: Fraction) -> Step:
    """A percentile, interpolated linearly as `percentile_cont` does."""
    if not values:
        return Step(name, "of no value", None)
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below = int(rank)
    low, part = ordered[below], float(rank - below)
    where = f"rank {float(share):g} x {len(ordered) - 1} = {float(rank):g} of the sorted, from 0"
    if not part:
        return Step(name, f"{where}: {low:,.3f}", low)
    high = ordered[below + 1]
    return Step(name, f"{where}: {low:,.3f} + {part:g} x ({high:,.3f} - {low:,.3f})", low + part * (high - low))


def rate(name: str, part: int, whole: int, *, percent: bool = False) -> Step:
    """A part of a whole; None of nothing."""
    by = 100 if percent else 1
    return Step(name, f"{'100 x ' if percent else ''}{part:,} / {whole:,}", by * part / whole if whole else None)
