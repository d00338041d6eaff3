"""Date-sharded tables: one a day, `NAME_YYYYMMDD`, which a setting names together as `NAME_*`. Pure."""

import re
from collections.abc import Iterable
from datetime import date, datetime

_WILDCARD = "_*"
_ERRORS = "export_errors"
_DAY = re.compile(r"\d{8}")


def is_sharded(table: str) -> bool:
    """Whether a name is that of all shards."""
    return table.endswith(_WILDCARD)


def shard_name(table: str, day: date) -> str:
    """The table of a day."""
    return f"{table.removesuffix('*')}{day:%Y%m%d}"


def shards_among(tables: Iterable[str], table: str) -> dict[date, str]:
    """The tables that are shards, by their days in order. A table whose name only begins alike is none."""
    prefix = table.removesuffix("*")
    suffixes = (name.removeprefix(prefix) for name in tables if name.startswith(prefix))
    days = sorted(day for suffix in suffixes if (day := _day(suffix)) is not None)
    return {day: shard_name(table, day) for day in days}


def _day(suffix: str) -> date | None:
    if not _DAY.fullmatch(suffix):
        return None
    try:
        return datetime.strptime(suffix, "%Y%m%d").date()  # noqa: DTZ007 - a day, without a time
    except ValueError:
        return None


def error_tables(tables: Iterable[str], since: datetime) -> list[str]:
    """Where Cloud Logging keeps the entries that do not fit a sink's table: one table, or one of each of these days."""
    names = list(tables)
    shards = shards_among(names, f"{_ERRORS}{_WILDCARD}")
    return [each for each in names if each == _ERRORS] + [name for day, name in shards.items() if day >= since.date()]
