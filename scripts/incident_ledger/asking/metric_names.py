"""Names of metrics and dimensions as people type them, and what `--where` means. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from incident_ledger.errors import UserError

GRAINS = ("day", "week", "month", "quarter", "year")
TIME = "metric_time"
_NAME = r"(?P<name>\w+)"
_OPERATOR = r"\s*(?P<operator>!=|=)\s*"
_PLAIN = re.compile(rf"{_NAME}{_OPERATOR}(?P<values>.*)", re.DOTALL)
# MetricFlow's own form of the same.
_TEMPLATE = re.compile(
    rf"\{{\{{\s*Dimension\(\s*(?P<quote>['\"]){_NAME}(?P=quote)\s*\)\s*\}}\}}{_OPERATOR}'(?P<values>[^'\\]*)'"
)


@dataclass(frozen=True)
class Condition:
    """A dimension whose value is one of `values`, or none of them. No value is null."""

    dimension: str
    values: tuple[str, ...]
    is_negated: bool = False


def known(name: str, names: Collection[str], what: str) -> str:
    """A name that is one of `names`. Raises `UserError` with the nearest ones, else with how to list them."""
    if name in names:
        return name
    near = get_close_matches(name, names, n=4, cutoff=0.5)
    hint = f"Near it: {', '.join(near)}." if near else "`incident-ledger metrics list` shows what there is."
    raise UserError(f"There is no {what} {name!r}. {hint}")


def dimension(name: str, names: Sequence[str], metrics: Sequence[str]) -> str:
    """A dimension's whole name by that or its last part (`severity_level`); a grain is that of the time (`month`).

    Raises `UserError` for a name that is none of these metrics' dimensions, or stands for several.
    """
    grain = name.removeprefix(f"{TIME}__")
    if grain in GRAINS:
        return f"{TIME}__{grain}"
    if name in names or name == TIME:
        return name
    whole = [each for each in names if each.endswith(f"__{name}")]
    # What is measured comes before what it is joined to.
    own = [each for each in whole if each.count("__") == min(other.count("__") for other in whole)]
    if len(own) == 1:
        return own[0]
    if own:
        raise UserError(f"{name!r} may be {' or '.join(own)}: give one of them.")
    short = {each.rpartition("__")[2]: each for each in names} | {each: each for each in names}
    known(name, [*short, *GRAINS], f"dimension of {', '.join(metrics)} called")
    raise AssertionError(name)  # pragma: no cover - a known name is found above


def condition(text: str, names: Sequence[str], metrics: Sequence[str]) -> Condition:
    """What a `--where` says: `severity_level=P0,P1`, `component!=api`, `component=` (null), or MetricFlow's form of it.

    Raises `UserError` for anything else: no other text comes near a template or a statement.
    """
    found = _TEMPLATE.fullmatch(text.strip()) or _PLAIN.fullmatch(text.strip())
    if found is None:
        raise UserError(
            f"--where {text!r} is no filter. Write DIMENSION=VALUE[,VALUE] or DIMENSION!=VALUE: severity_level=P1,P2."
        )
    name = dimension(found["name"], names, metrics)
    if name.startswith(f"{TIME}__") or name == TIME:
        raise UserError("A time is no filter of --where: use --since and --until.")
    is_template = "quote" in found.groupdict()
    values = (found["values"],) if is_template else tuple(each.strip() for each in found["values"].split(","))
    return Condition(name, tuple(each for each in values if each), found["operator"] == "!=")
