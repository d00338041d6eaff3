"""Whether the tables of sinks are there, and what the sinks could not write: entries that nobody would miss."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.encoding import one_line
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.importers.sinks import SINKS
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.catalog import names_in
from incident_ledger.warehouse.rows import literal
from incident_ledger.warehouse.shards import error_tables, is_sharded, shards_among
from incident_ledger.warehouse.tables import SIGNALS

_CHECK = "sinks"
_SINCE = timedelta(days=7)


def check_sinks(warehouse: Warehouse, now: datetime) -> Iterator[Finding]:
    """Each table that a setting names, and the entries of 7 days that the sinks beside it could not write."""
    seen: set[tuple[str, str]] = set()
    for sink in SINKS.values():
        named = str(getattr(warehouse.settings, sink.name))
        if not named:
            continue
        *project, dataset, table = named.split(".")
        place = (project[0] if project else warehouse.settings.project, dataset)
        try:
            tables = names_in(warehouse, *place)
            if is_sharded(table):
                yield from _shards(sink.variable, named, shards_among(tables, table), now)
            elif table not in tables:
                remedy = f"It is made with the first entry; until then leave {sink.variable} empty, or correct it."
                yield Finding(_CHECK, Grade.WARN, f"{sink.variable} names {named}, which is not there", remedy)
            if place not in seen:
                yield from _errors(warehouse, place, tables, now)
        except IncidentLedgerError as error:
            yield wrong(_CHECK, error)
        seen.add(place)


def check_arrivals(warehouse: Warehouse, now: datetime) -> Iterator[Finding]:
    """Of each log that is named, from when on its entries are missed; one that is new or quiet is not watched."""
    named = [each for each in SINKS.values() if each.received and getattr(warehouse.settings, each.name)]
    sql = f"select component, started_at from {warehouse.raw(SIGNALS.name)} where source = 'log_arrivals'"  # noqa: S608
    try:
        is_there = bool(named) and warehouse.table_exists(warehouse.settings.raw_dataset, SIGNALS.name)
        begins = {row["component"]: row["started_at"] for row in (warehouse.rows(sql) if is_there else [])}
    except IncidentLedgerError as error:
        yield wrong(_CHECK, error)
        return
    for sink in named:
        missed_at = begins.get(f"log:{sink.name}")
        if missed_at is None:
            text = f"nobody watches whether entries of {sink.name} stop: what silence is usual is not known"
            remedy = "Let it run: a log with an entry each hour is watched after a day, a daily one after three weeks."
            yield Finding(_CHECK, Grade.WARN, text, remedy)
        elif missed_at > now:
            text = f"{sink.name} is watched: an incident opens at {missed_at:%Y-%m-%d %H:%M} UTC unless an entry comes"
            yield Finding(_CHECK, Grade.OK, text)
        else:
            text = f"{sink.name} is watched, and its entries are missing since {missed_at:%Y-%m-%d %H:%M} UTC"
            yield Finding(_CHECK, Grade.WARN, text, "See whether the jobs run, whether the sink writes, and run.")


def _shards(variable: str, named: str, shards: Mapping[date, str], now: datetime) -> Iterator[Finding]:
    """A day without a table is one without an entry; today's may still come."""
    if not shards:
        remedy = f"One is made with the first entry; until then leave {variable} empty, or correct it."
        yield Finding(_CHECK, Grade.WARN, f"{variable} names {named}, and no such table is there", remedy)
        return
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(1, _SINCE.days + 1)]
    missing = [day for day in days if day not in shards and day > min(shards)]
    if missing:
        text = f"{named} has no table of {', '.join(map(str, sorted(missing)))}: nobody watched what it would have"
        remedy = "See whether the sink wrote then, and whether its table was deleted; load sink takes exported entries."
        yield Finding(_CHECK, Grade.WARN, text, remedy)


def _errors(warehouse: Warehouse, place: tuple[str, str], tables: list[str], now: datetime) -> Iterator[Finding]:
    for table in error_tables(tables, now - _SINCE):
        row: dict[str, Any] = warehouse.rows(
            "select count(*) as entries, any_value(schemaErrorDetail having max `timestamp`) as detail "  # noqa: S608 - a name that BigQuery gave
            f"from `{'.'.join(place)}.{table}` where `timestamp` >= {literal(now - _SINCE)}"
        )[0]
        if row["entries"]:
            number = "1 entry" if row["entries"] == 1 else f"{row['entries']} entries"
            text = f"{place[1]}.{table} has {number} of 7 days that a sink could not write"
            detail = f": {one_line(row['detail'])}" if row["detail"] else ""
            remedy = "A field has another type than its column: let the job log it as before, or recreate the table."
            yield Finding(_CHECK, Grade.WARN, f"{text}{detail}", remedy)
