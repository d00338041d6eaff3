"""`load_usage`: files in, landed rows and rejects out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from incident_ledger.errors import UserError
from incident_ledger.importers import Reject, Rejects
from incident_ledger.importers.rejects import write_rejects
from incident_ledger.importers.usage.extraction import Batch, collect
from incident_ledger.importers.usage.parsing import ApiResponse, read_responses
from incident_ledger.importers.usage.record_writer import land
from incident_ledger.importers.usage.schemas import REPORTS, Report
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import ensure_tables


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What a load did. `records` were read, `new` of them were landed (the rest was known); notes are for a person.

    `retracted` nameless records were taken back, since this export of their day does not hold them any more.
    """

    source: str
    files: int
    records: int
    new: int
    retracted: int
    first_day: date | None
    last_day: date | None
    incomplete_days: tuple[date, ...]
    rejects: tuple[Reject, ...]
    notes: tuple[str, ...]


def load_usage(
    warehouse: Warehouse,
    source: str,
    files: Sequence[Path],
    *,
    loaded_at: datetime,
    exported_at: datetime | None = None,
) -> LoadReport:
    """Land the exports in `files`, which count as one export: all pages of a period belong into one call.

    The newest export of a record counts; an export was made at the response's `data_refreshed_at` where it has one,
    else at `exported_at`, else at `loaded_at`. Loading the same files again changes nothing.

    Raises `UserError` for an unknown source, a file that cannot be read and files without any response of that source;
    nothing is written then. Records that cannot be read go to `import_rejects`, and the others are landed.
    """
    batch = read_batch(source, files, exported_at or loaded_at)
    ensure_tables(warehouse)
    landed = land(warehouse, REPORTS[source], batch, loaded_at)
    write_rejects(warehouse, source, batch.rejects, loaded_at)
    days = [record.day for record in batch.records.values()]
    return LoadReport(
        source=source,
        files=len(files),
        records=len(batch.records),
        new=landed.new,
        retracted=landed.retracted,
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        incomplete_days=tuple(sorted(batch.incomplete_days)),
        rejects=tuple(batch.rejects),
        notes=tuple(batch.notes),
    )


def read_batch(source: str, files: Sequence[Path], exported_at: datetime) -> Batch:
    """What the files hold, without a warehouse. Raises `UserError` as `load_usage` does."""
    report = _report(source)
    responses: list[ApiResponse] = []
    rejects: list[Reject] = Rejects()
    for path in files:
        found, bad = read_responses(path)
        responses += found
        rejects.extend(bad)
    batch = collect(report, responses, exported_at)
    if responses and len(batch.rejects) == len(responses) and all(reject.field is None for reject in batch.rejects):
        first = batch.rejects[0]
        raise UserError(f"{first}. Nothing was loaded.")
    rejects.extend(batch.rejects)
    batch.rejects = rejects
    return batch


def _report(source: str) -> Report:
    try:
        return REPORTS[source]
    except KeyError:
        raise UserError(f"--source {source!r} is not known. Known are: {', '.join(REPORTS)}.") from None
