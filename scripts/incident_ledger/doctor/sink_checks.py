"""Whether the tables of sinks are there, and what the sinks could not write: entries that nobody would miss."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.encoding import one_line
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.importers.sinks import SINKS
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.catalog import names_in
from incident_ledger.warehouse.rows import literal

_CHECK = "sinks"
# Where Cloud Logging keeps the entries that do not fit a sink's table: one table, or one a day.
_ERRORS = "export_errors"
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
            if table not in tables:
                remedy = f"It is made with the first entry; until then leave {sink.variable} empty, or correct it."
                yield Finding(_CHECK, Grade.WARN, f"{sink.variable} names {named}, which is not there", remedy)
            if place not in seen:
                yield from _errors(warehouse, place, tables, now)
        except IncidentLedgerError as error:
            yield wrong(_CHECK, error)
        seen.add(place)


def _errors(warehouse: Warehouse, place: tuple[str, str], tables: list[str], now: datetime) -> Iterator[Finding]:
    """A table of a day is asked where its day is among those that count."""
    first = f"{now - _SINCE:%Y%m%d}"
    for table in tables:
        day = table.removeprefix(_ERRORS).strip("_")
        if not table.startswith(_ERRORS) or (day.isdecimal() and day < first):
            continue
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
