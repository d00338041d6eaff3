"""What was refused, as signals: records that a load or an import refused, and entries that a sink could not write.

A run asks only where something was refused since the last one. A signal ends so long after the last refusal as its rule
says, by itself, or when all of it was taken in after all.
"""

# ruff: noqa: S608 -- names of tables are our own, checked settings or given by BigQuery; times are literals

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.encoding import one_line, timestamp
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.importers.sinks import SINKS
from incident_ledger.policy import ROWS_REJECTED, ClassificationRule, Policy
from incident_ledger.runner.build import Builds
from incident_ledger.runner.build_state import REJECTED, write_records
from incident_ledger.runner.steps import Outcome, Step, counted
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.catalog import names_in
from incident_ledger.warehouse.rows import bound_rows, literal, merge_query
from incident_ledger.warehouse.shards import error_tables
from incident_ledger.warehouse.tables import IMPORT_REJECTS, SIGNALS

SOURCE = "rejects"
Row = Mapping[str, Any]


def note_refused(step: Step, warehouse: Warehouse, builds: Builds, policy: Policy, as_of: datetime) -> str:
    """Keep what was refused where a tick reads it; what to add to the step's summary.

    It comes before the build, after which it would have to ask again when tables were modified.
    """
    try:
        refused = take_in_rejected(warehouse, builds, policy, as_of)
    except IncidentLedgerError as error:  # the incidents of all else are planned
        step.outcome = Outcome.WARNING
        return f"; what was refused could not be read: {str(error).splitlines()[0]}"
    return f"; {counted(refused, 'source')} of refused records" if refused else ""


def take_in_rejected(warehouse: Warehouse, builds: Builds, policy: Policy, as_of: datetime) -> int:
    """How many signals there are of what was refused lately; 0, mostly without a statement."""
    rule = policy.classification_rule(ROWS_REJECTED, as_of)
    since = as_of - timedelta(minutes=rule.window_minutes or 0)
    queries = _sink_queries(warehouse, since)
    modified = builds.modified(IMPORT_REJECTS.name)
    is_new = modified is not None and builds.records(REJECTED).get(IMPORT_REJECTS.name) != ("", modified)
    if is_new:
        queries.append(_import_query(warehouse, since))
    rows = warehouse.rows(_spells(queries, rule, as_of)) if queries else []
    if rows:
        _write(warehouse, [_signal(row, rule) for row in rows])
    if is_new:
        write_records(warehouse, REJECTED, {IMPORT_REJECTS.name: ("", modified)}, builds.project, as_of)
    return len(rows)


def _import_query(warehouse: Warehouse, since: datetime) -> str:
    return f"""
        select
            concat('import:', source) as component, rejected_at as refused_at, error as detail, replayed_at as cured_at,
            concat('select * from {IMPORT_REJECTS.name} where source = "', source, '"') as query
        from {warehouse.raw(IMPORT_REJECTS.name)}
        where rejected_at >= {literal(since)}
    """


def _sink_queries(warehouse: Warehouse, since: datetime) -> list[str]:
    """One of each table in which Cloud Logging keeps entries of these days that do not fit."""
    places: dict[tuple[str, str], None] = {}
    for sink in SINKS.values():
        named = str(getattr(warehouse.settings, sink.name)) if sink.received else ""
        if named:
            *project, dataset, _ = named.split(".")
            places[project[0] if project else warehouse.settings.project, dataset] = None
    return [
        f"""
        select
            'sink:{dataset}' as component, `timestamp` as refused_at, schemaErrorDetail as detail,
            cast(null as timestamp) as cured_at, 'select * from {dataset}.{table}' as query
        from `{project}.{dataset}.{table}`
        where `timestamp` >= {literal(since)}
        """
        for project, dataset in places
        for table in error_tables(names_in(warehouse, project, dataset), since)
    ]


def _spells(queries: Sequence[str], rule: ClassificationRule, as_of: datetime) -> str:
    """Of each component the last time in which something was refused again and again."""
    minutes = rule.clear_minutes or 0
    return f"""
        with refused as ({" union all ".join(queries)}),
        marked as (
            select
                *,
                if(
                    timestamp_diff(
                        refused_at, lag(refused_at) over (partition by component order by refused_at), minute
                    ) < {minutes},
                    0, 1
                ) as begins
            from refused
            where refused_at <= {literal(as_of)}
        ),
        spells as (
            select
                *,
                sum(begins) over (
                    partition by component order by refused_at rows between unbounded preceding and current row
                ) as spell
            from marked
        )
        select
            component,
            count(*) as refused,
            min(refused_at) as started_at,
            max(refused_at) as observed_at,
            if(
                countif(cured_at is null) = 0,
                max(cured_at),
                timestamp_add(max(refused_at), interval {minutes} minute)
            ) as ended_at,
            any_value(detail having max refused_at) as detail,
            any_value(query having max refused_at) as query
        from spells
        group by component, spell
        qualify row_number() over (partition by component order by spell desc) = 1
    """


def _signal(row: Row, rule: ClassificationRule) -> dict[str, Any]:
    number = "1 record was" if row["refused"] == 1 else f"{row['refused']} records were"
    return {
        "source": SOURCE,
        "source_key": row["component"],
        "rule_id": rule.rule_id,
        "component": row["component"],
        "severity_level": rule.severity_level,
        "title": f"{row['component'].partition(':')[2]}: {number} refused: {one_line(row['detail'] or 'no reason')}",
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "observed_at": row["observed_at"],
        "value": float(row["refused"]),
        "threshold": "any record",
        "owner": None,
        "evidence": {
            "refused": row["refused"],
            "last_refused_at": timestamp(row["observed_at"]),
            "last_reason": row["detail"],
            "query": row["query"],
        },
    }


def _write(warehouse: Warehouse, rows: Sequence[dict[str, Any]]) -> None:
    with bound_rows(warehouse, SIGNALS, rows) as (query, params):
        newer = """
            source.observed_at > target.observed_at
            or (source.observed_at = target.observed_at and source.ended_at != target.ended_at)
        """
        merge_query(warehouse, SIGNALS, query, columns=tuple(rows[0]), updates=f"({newer})", params=params)
