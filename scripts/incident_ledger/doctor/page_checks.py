"""Whether the dashboards can be shown: their definitions, the folder of their pages, and what the last run made."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.errors import IncidentLedgerError, UserError
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import RUN_STEPS

_CHECK = "dashboards"
_SINCE = timedelta(days=7)


def check_dashboards(settings: Settings, warehouse: Warehouse | None, now: datetime) -> Iterator[Finding]:
    """Each fault of a definition by file and line, a folder that is not for pages, and cards that failed last."""
    from incident_ledger.dashboards.definition import FOLDER, load_dashboards
    from incident_ledger.dashboards.render import check_folder

    if not (settings.project_dir / FOLDER).is_dir():
        return
    try:
        dashboards = load_dashboards(settings.project_dir)
    except UserError as error:
        for line in str(error).splitlines():
            yield wrong(_CHECK, error, "Fix the file; until then no page is written.", text=line)
        return
    cards = sum(len(each.cards) for each in dashboards)
    yield Finding(_CHECK, Grade.OK, f"{len(dashboards)} dashboards with {cards} cards were read")
    if settings.pages_dir is None:
        return
    try:
        check_folder(settings.pages_dir)
    except UserError as error:
        yield wrong(_CHECK, error, f"{PREFIX}PAGES names the folder.")
    if warehouse is not None:
        yield from _check_last(warehouse, now)


def _check_last(warehouse: Warehouse, now: datetime) -> Iterator[Finding]:
    """What the last step `pages` of a run recorded."""
    sql = (
        f"select outcome, detail from {warehouse.raw(RUN_STEPS.name)} "  # noqa: S608
        "where step = 'pages' and started_at >= @since order by started_at desc limit 1"
    )
    try:
        is_there = warehouse.table_exists(warehouse.settings.raw_dataset, RUN_STEPS.name)
        rows = warehouse.rows(sql, {"since": now - _SINCE}) if is_there else []
    except IncidentLedgerError as error:
        yield wrong(_CHECK, error)
        return
    for row in rows:
        if row["outcome"] == "ok":
            continue
        detail = json.loads(row["detail"]) if isinstance(row["detail"], str) else row["detail"] or {}
        failed = detail.get("failed") or {}
        remedy = "Try it: incident-ledger dashboard render"
        for name, error_text in failed.items():
            text = f"{name} could not be computed for the pages by the last run: {error_text}"
            yield Finding(_CHECK, Grade.WARN, text, remedy)
        if not failed:
            yield Finding(_CHECK, Grade.WARN, f"the last run wrote no pages: {detail.get('summary')}", remedy)
