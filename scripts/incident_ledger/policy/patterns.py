"""Cells that stand for several names: a pattern with a `*` at its end, and names with a space between."""

from collections.abc import Iterable


def fits(pattern: str, name: str) -> bool:
    """Whether a name is that of a pattern, which may end with a `*`."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def holds(cell: str | None, values: Iterable[str | None]) -> bool:
    """Whether a cell of names, empty for all, has one of these."""
    return cell is None or not {*cell.split()}.isdisjoint(values)
