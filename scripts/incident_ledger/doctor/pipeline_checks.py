"""Which pipelines of the policy are watched: a schedule without a run that was ever taken in says nothing."""

from collections.abc import Iterator
from datetime import datetime

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import SIGNALS

_CHECK = "pipelines"


def check_pipelines(warehouse: Warehouse, files: Policy, now: datetime) -> Iterator[Finding]:
    """Each pipeline that has a schedule: since when a run of it is missed, or that nobody watches it."""
    pipelines = dict.fromkeys(row["pipeline"] for row in files.rows("pipeline_schedules", now))
    sql = f"select component, started_at from {warehouse.raw(SIGNALS.name)} where source = 'pipeline'"  # noqa: S608
    try:
        is_there = warehouse.table_exists(warehouse.settings.raw_dataset, SIGNALS.name)
        begins = {row["component"]: row["started_at"] for row in (warehouse.rows(sql) if is_there else [])}
    except IncidentLedgerError as error:
        yield wrong(_CHECK, error)
        return
    for pipeline in pipelines:
        missed_at = begins.get(f"pipeline:{pipeline}")
        if missed_at is None:
            text = f"{pipeline} has a schedule and is not watched: no run of it was ever taken in"
            remedy = (
                "incident-ledger ingest dbt TARGET after its runs, or INCIDENT_LEDGER_PIPELINE_LOGS for a job's logs; "
                "or no row in seeds/policy/pipeline_schedules.csv."
            )
            yield Finding(_CHECK, Grade.WARN, text, remedy)
        elif missed_at > now:
            text = f"{pipeline} is watched: an incident opens at {missed_at:%Y-%m-%d %H:%M} UTC unless it runs before"
            yield Finding(_CHECK, Grade.OK, text)
        else:
            text = f"{pipeline} is watched, and missing since {missed_at:%Y-%m-%d %H:%M} UTC"
            yield Finding(_CHECK, Grade.WARN, text, "See what runs it, run it, and ingest what it did.")
