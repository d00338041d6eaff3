"""`ingest`: artifacts of dbt in, results and signals out."""

# ruff: noqa: S608 -- names of tables and columns are our own; values are bound

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from incident_ledger.dbt_results.artifacts import (
    FILES,
    MANIFEST,
    RUN_RESULTS,
    SOURCES,
    Manifest,
    RunResults,
    read_artifact,
)
from incident_ledger.dbt_results.grouping import FailureGroup, regroup
from incident_ledger.dbt_results.judging import GOOD, Judged, Verdict, judge_all
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import ArtifactResult, of_freshness, of_run, project_of
from incident_ledger.dbt_results.pipelines import absence, invocations
from incident_ledger.dbt_results.signal_state import SOURCE, to_group, to_row
from incident_ledger.encoding import one_line, shortened
from incident_ledger.errors import UserError
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import Policy, load
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import bound_rows, literal, merge_query, merge_rows, update_rows
from incident_ledger.warehouse.tables import DBT_RESULTS, SIGNALS

_NAME_CHARACTERS = 100
_HOOKS = timedelta(hours=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What was taken in of one project. `new` results of `results` were not known; `failures` are among the results.

    `open` are the titles of what fails and changed by this, worst first with severity; `ended` of what recovered.
    """

    project: str
    results: int
    new: int
    failures: int
    has_lineage: bool
    open: tuple[tuple[str, str], ...] = ()
    ended: tuple[str, ...] = ()


def ingest(
    warehouse: Warehouse, paths: Sequence[Path], *, ingested_at: datetime, project: str | None = None
) -> IngestReport:
    """Take in what one dbt project wrote: its target folder, or files of it. Again changes nothing.

    Results go to `dbt_results`, each node of an invocation once; what fails is kept in `signals`, so that the next
    tick opens, raises or resolves its incident. Raises `UserError` for what is no artifact, before anything is written.
    """
    results, manifest = _read(paths)
    name = shortened(one_line(project or _project(results, manifest)), _NAME_CHARACTERS)
    lineage = Lineage(name, manifest)
    ensure_ledger(warehouse)
    looked_at = manifest.metadata.generated_at if manifest else _LONG_AGO
    return take_in(warehouse, results, lineage, load(warehouse), ingested_at=ingested_at, looked_at=looked_at)


def take_in(
    warehouse: Warehouse,
    results: Sequence[ArtifactResult],
    lineage: Lineage,
    policy: Policy,
    *,
    ingested_at: datetime,
    looked_at: datetime = _LONG_AGO,
    is_whole: bool = True,
    is_written: bool = False,
) -> IngestReport:
    """Results of one project, written, with the signals that follow. At `looked_at` it had the nodes of `lineage`.

    Whether a scheduled run is missing is what whole runs say, not results that were picked from one. Results that are
    written already (`is_written`) get their verdict, after the signals.
    """
    judged = judge_all(results, lineage, policy)
    new = 0 if is_written else _write_results(warehouse, judged, lineage, ingested_at)
    rows = _changed_groups(warehouse, judged, lineage, policy, looked_at)
    missing = absence(lineage.project, invocations(results), policy) if is_whole else None
    _write_signals(warehouse, [*rows, missing] if missing else rows)
    if is_written:
        _write_verdicts(warehouse, judged)
    still = sorted((row for row in rows if row["ended_at"] is None), key=lambda row: policy.rank(row["severity_level"]))
    return IngestReport(
        project=lineage.project,
        results=len(results),
        new=new,
        failures=sum(each.verdict is not None for each in judged),
        has_lineage=lineage.is_known,
        open=tuple((row["severity_level"], row["title"]) for row in still),
        ended=tuple(row["title"] for row in rows if row["ended_at"] is not None),
    )


def _read(paths: Sequence[Path]) -> tuple[list[ArtifactResult], Manifest | None]:
    results: list[ArtifactResult] = []
    manifest: Manifest | None = None
    for path in _files(paths):
        artifact = read_artifact(path)
        if isinstance(artifact, Manifest):
            manifest = artifact
        else:
            results += of_run(artifact) if isinstance(artifact, RunResults) else of_freshness(artifact)
    return results, manifest


def _files(paths: Sequence[Path]) -> list[Path]:
    """The artifacts among them: of a folder those that it has, and at least one with results."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            here = [path / FILES[each] for each in (MANIFEST, RUN_RESULTS, SOURCES) if (path / FILES[each]).exists()]
            if not {each.name for each in here} & {FILES[RUN_RESULTS], FILES[SOURCES]}:
                names = f"no {FILES[RUN_RESULTS]} and no {FILES[SOURCES]}"
                raise UserError(f"{path}: has {names}; name dbt's target folder, after a run.")
            found += here
        else:
            found.append(path)
    return found


def _project(results: list[ArtifactResult], manifest: Manifest | None) -> str:
    name = (manifest.metadata.project_name if manifest else None) or project_of(results)
    if name is None:
        raise UserError("The artifacts name no project: give its name by --project.")
    return name


def _write_results(warehouse: Warehouse, judged: Sequence[Judged], lineage: Lineage, ingested_at: datetime) -> int:
    rows = [_result_row(each.result, each.verdict, lineage, ingested_at) for each in judged]
    times = [each.result.completed_at for each in judged]
    if not times:
        return 0
    # What was skipped has no time of its own: the macro of the dbt package wrote it as of a little earlier.
    on = f"target.completed_at between {literal(min(times) - _HOOKS)} and {literal(max(times))}"
    return merge_rows(warehouse, DBT_RESULTS, rows, on=on)


def _write_verdicts(warehouse: Warehouse, judged: Sequence[Judged]) -> None:
    rows = [
        {
            "invocation_id": each.result.invocation_id,
            "unique_id": each.result.unique_id,
            "severity_level": each.verdict.severity_level if each.verdict else None,
            "rule_id": each.verdict.rule_id if each.verdict else None,
            "failed_records": each.verdict.failed if each.verdict else None,
            "examined_records": each.verdict.examined if each.verdict else None,
            "manifest_node": None,
        }
        for each in judged
    ]
    times = [each.result.completed_at for each in judged]
    on = f"target.completed_at between {literal(min(times))} and {literal(max(times))}"
    update_rows(warehouse, DBT_RESULTS, rows, on=on)


def _result_row(
    result: ArtifactResult, verdict: Verdict | None, lineage: Lineage, ingested_at: datetime
) -> dict[str, Any]:
    return {
        "invocation_id": result.invocation_id,
        "unique_id": result.unique_id,
        "completed_at": result.completed_at,
        "project_name": lineage.project,
        "node_name": lineage.name(result.unique_id),
        "resource_type": result.resource_type,
        "status": result.status,
        "component": lineage.component(result.unique_id),
        "severity_level": verdict.severity_level if verdict else None,
        "rule_id": verdict.rule_id if verdict else None,
        "owner": lineage.owner(result.unique_id),
        "message": result.message,
        "failures": result.failures,
        "failed_records": verdict.failed if verdict else None,
        "examined_records": verdict.examined if verdict else None,
        "relation_name": result.relation_name,
        "duration_seconds": result.seconds,
        "dbt_version": result.dbt_version or None,
        "ingested_at": ingested_at,
    }


def _changed_groups(
    warehouse: Warehouse, judged: Sequence[Judged], lineage: Lineage, policy: Policy, looked_at: datetime
) -> list[dict[str, Any]]:
    """The rows of the groups that changed."""
    groups = _open_groups(warehouse, lineage.project)
    known = {unique_id for group in groups for unique_id in group.failures}
    failing = [each.result for each in judged if each.verdict and each.result.unique_id not in known]
    good_at = _good_later(warehouse, lineage.project, failing)
    # An artifact that comes late opens nothing that was found good since.
    current = [each for each in judged if each.result.completed_at >= good_at.get(each.result.unique_id, _LONG_AGO)]
    changed = regroup(groups, current, lineage, looked_at)
    return [to_row(group, lineage.project, policy) for group in changed]


def _write_signals(warehouse: Warehouse, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    with bound_rows(warehouse, SIGNALS, rows) as (query, params):
        columns, newer = tuple(rows[0]), "source.observed_at >= target.observed_at"
        merge_query(warehouse, SIGNALS, query, columns=columns, updates=newer, params=params)


def _open_groups(warehouse: Warehouse, project: str) -> list[FailureGroup]:
    sql = f"""
        select source_key, started_at, observed_at, to_json_string(evidence) as evidence
        from {warehouse.raw(SIGNALS.name)}
        where source = @source and ended_at is null and json_value(evidence, '$.project') = @project
    """
    rows = warehouse.rows(sql, {"source": SOURCE, "project": project})
    return [to_group(row, json.loads(row["evidence"])) for row in rows]


def _good_later(warehouse: Warehouse, project: str, failing: Sequence[ArtifactResult]) -> dict[str, datetime]:
    """When nodes that fail now were found good last, after the first of these failures."""
    if not failing:
        return {}
    since = min(each.completed_at for each in failing) - timedelta(microseconds=1)
    sql = f"""
        select unique_id, max(completed_at) as good_at
        from {warehouse.raw(DBT_RESULTS.name)}
        where completed_at > {literal(since)}
            and project_name = @project
            and status in unnest(@good)
            and unique_id in unnest(@ids)
        group by unique_id
    """
    ids = sorted({each.unique_id for each in failing})
    rows = warehouse.rows(sql, {"project": project, "good": GOOD, "ids": ids})
    return {row["unique_id"]: row["good_at"] for row in rows}
