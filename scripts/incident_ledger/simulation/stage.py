"""Where a scenario happens: rows in the real shapes, written by what writes the real ones."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from incident_ledger.dbt_results.ingestion import ingest
from incident_ledger.encoding import canonical
from incident_ledger.errors import UserError
from incident_ledger.importers.sinks import SINKS, ensure_sink, load_sink
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.policy import Policy
from incident_ledger.probes.probe_results import ProbeResult, write_results
from incident_ledger.probes.probe_targets import ProbeTarget, probe_targets
from incident_ledger.probes.probing import take_in
from incident_ledger.simulation.usage_reports import Bucket
from incident_ledger.warehouse import Warehouse

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
_HEALTHY_MS = 120.0

# What a target answers: nothing for a good answer, a kind of failure, or how long a good one took (milliseconds).
Answer = str | float | None


@dataclass(frozen=True)
class Look:
    """When the warehouse is looked at: by a `run`, or by a `tick`, which reads what a run or a probe left."""

    command: Literal["run", "tick"]
    at: datetime


@dataclass(frozen=True)
class Played:
    """When the rule of a scenario is met (of a near miss: would be), and the looks by which that is seen."""

    met_at: datetime
    looks: tuple[Look, ...]


@dataclass
class Stage:
    """A warehouse, a day and a chance of its own: the same seed, day and scenario give the same rows."""

    warehouse: Warehouse
    policy: Policy
    day: date
    seed: int
    chance: random.Random = field(init=False)
    late_share: float = field(init=False, default=0.0)
    late_by: timedelta = field(init=False, default=timedelta(0))
    _entries: dict[str, list[dict[str, Any]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Raises `UserError` where invented rows would be among real ones."""
        settings = self.warehouse.settings
        if settings.target != "local":
            raise UserError(
                "simulate writes invented rows: it is for the local warehouse (INCIDENT_LEDGER_TARGET=local)."
            )
        self.chance = random.Random(f"{self.seed} {self.day}")  # noqa: S311 - a story, not a secret

    def at(self, hour: int, minute: int = 0) -> datetime:
        """A time of the day (UTC)."""
        return datetime.combine(self.day, time(hour, minute), tzinfo=UTC)

    def ended(self, pipeline: str, at: datetime, *, status: str = "success", seconds: float | None = None) -> None:
        """An entry of a job that ended."""
        payload = {"operation": pipeline, "status": status}
        more = {} if seconds is None else {"duration_seconds": round(seconds, 1)}
        self._log("pipeline_logs", at, "INFO" if status == "success" else "ERROR", jsonPayload={**payload, **more})

    def logged(self, at: datetime, **payload: str) -> None:
        """An entry of a job that says something else than that it ended."""
        self._log("pipeline_logs", at, "INFO", jsonPayload=payload)

    def skewed(self, at: datetime, ahead: timedelta, **payload: str) -> None:
        """An entry of a job whose clock is ahead."""
        self._log("pipeline_logs", at + ahead, "ERROR", received_at=at, jsonPayload=payload)

    def audited(
        self,
        at: datetime,
        service: str,
        method: str,
        resource: str,
        principal: str,
        *,
        status_code: int | None = None,
        **request: Any,
    ) -> None:
        """An entry of an audit log; `status_code` is of a call that was refused."""
        payload = {
            "serviceName": service,
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": principal},
            "requestMetadata": {"callerIp": f"203.0.113.{self.chance.randint(1, 254)}"},
            "request": request,
            **({} if status_code is None else {"status": {"code": status_code, "message": "PERMISSION_DENIED"}}),
        }
        self._log("audit_logs", at, "NOTICE", protoPayload=payload)

    def listed(self, at: datetime, made: Mapping[str, datetime]) -> None:
        """An inventory of keys: when the newest version of each of these secrets was made."""
        kind = "secretmanager.googleapis.com"
        self._entries.setdefault("key_inventory", []).extend(
            {
                "name": f"//{kind}/projects/shop/secrets/{secret}/versions/1",
                "assetType": f"{kind}/SecretVersion",
                "resource": {"data": {"createTime": since.isoformat(), "state": "ENABLED"}},
                "readTime": at.isoformat(),
            }
            for secret, since in made.items()
        )

    def load(self, at: datetime, *, is_whole: bool = True) -> None:
        """Load the entries as their sinks would have written them; those that arrived by then where not `is_whole`.

        A sink that is watched has a table, also where no scenario wrote to it. Raises `UserError` where the setting of
        one that is written to names none.
        """
        for sink in SINKS.values():
            if getattr(self.warehouse.settings, sink.name):
                ensure_sink(self.warehouse, sink, at.date())
        until = None if is_whole else at
        for name, known in self._entries.items():
            entries = [each for each in known if _has_arrived(each, until)]
            self._entries[name] = [each for each in known if not _has_arrived(each, until)]
            if not entries:
                continue
            with TemporaryDirectory() as folder:
                path = Path(folder) / f"{name}.jsonl"
                path.write_text("\n".join(map(canonical, entries)), encoding="utf-8")
                load_sink(self.warehouse, name, [path], loaded_at=at)

    def report(self, name: str, at: datetime, days: Sequence[Bucket]) -> None:
        """An export of a vendor's report, with these days of it."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.json"
            path.write_text(json.dumps({"data": days, "has_more": False, "next_page": None}), encoding="utf-8")
            load_usage(self.warehouse, name, [path], loaded_at=at)

    def report_events(self, at: datetime, events: Sequence[Mapping[str, Any]]) -> None:
        """An export of Cursor's usage events."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "answers.jsonl"
            path.write_text(json.dumps({"usageEvents": events, "pagination": {"hasNextPage": False}}))
            load_usage(self.warehouse, "cursor_events", [path], loaded_at=at)

    def targets(self, kind: str) -> list[ProbeTarget]:
        """The targets of a kind that the policy probes. Raises `UserError` where it has none."""
        found = [each for each in probe_targets(self.policy, self.at(0)) if each.kind == kind]
        if not found:
            raise UserError(f"The policy probes no {kind}: add one to seeds/policy/probe_targets.csv.")
        return found

    def probe(self, at: datetime, answers: Mapping[str, Answer]) -> None:
        """A probe of all targets: what these answer, all others well."""
        targets = probe_targets(self.policy, at)
        results = [self._result(each, at, answers.get(each.target_id)) for each in targets]
        take_in(self.warehouse, targets, results, self.policy, now=at)

    def history(self, since: datetime, until: datetime, every: timedelta) -> None:
        """Probes of the past, which nobody judged: a blip and a slow answer now and then."""
        targets, results, at = probe_targets(self.policy, since), [], since
        while at < until:
            for each in targets:
                kind = self.chance.random()
                results.append(self._result(each, at, "timeout" if kind < 0.005 else 900.0 if kind < 0.02 else None))
            at += every
        write_results(self.warehouse, results)

    def dbt(self, at: datetime, statuses: Mapping[str, str], *, freshness: Mapping[str, str] | None = None) -> None:
        """What an invocation of the invented project `shop` says of its nodes, or of the age of its sources."""
        which = "freshness" if freshness is not None else "build"
        schema = "sources/v3" if freshness else "run-results/v6"
        metadata = {
            "dbt_schema_version": f"https://schemas.getdbt.com/dbt/{schema}.json",
            "dbt_version": "1.11.0",
            "generated_at": at.isoformat(),
            "invocation_id": f"{which}-{at:%Y%m%dT%H%M}",
        }
        results = [_node_result(name, status, at) for name, status in statuses.items()]
        results += [_source_result(name, status, at) for name, status in (freshness or {}).items()]
        name = "sources.json" if freshness else "run_results.json"
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(json.dumps({"metadata": metadata, "results": results, "args": {"which": which}}))
            ingest(self.warehouse, [path], ingested_at=at, project="shop")

    def _log(
        self, sink: str, at: datetime, severity: str, *, received_at: datetime | None = None, **payload: Any
    ) -> None:
        delay = timedelta(seconds=self.chance.uniform(0.1, 20))
        if self.late_share and self.chance.random() < self.late_share:
            delay += self.late_by * self.chance.random()
        entry = {
            "insertId": f"{self.seed}-{len(self._entries.get(sink, ()))}-{at:%Y%m%d%H%M%S}",
            "logName": f"projects/shop/logs/{sink}",
            "timestamp": at.isoformat(),
            "receiveTimestamp": ((received_at or at) + delay).isoformat(),
            "severity": severity,
            **payload,
        }
        known = self._entries.setdefault(SINKS[sink].name, [])
        # A sink may write an entry twice.
        known += [entry] * (2 if self.chance.random() < 0.05 else 1)

    def _result(self, target: ProbeTarget, at: datetime, answer: Answer) -> ProbeResult:
        failure = answer if isinstance(answer, str) else None
        usual = _HEALTHY_MS * self.chance.uniform(0.8, 1.25)
        return ProbeResult(
            target_id=target.target_id,
            probed_at=at,
            kind=target.kind,
            component=target.component,
            failure_kind=failure,
            status_code=None,
            latency_ms=answer if isinstance(answer, float | int) else usual,
            attempts=1,
            detail=None,
        )


def _has_arrived(entry: Mapping[str, Any], until: datetime | None) -> bool:
    """Whether a sink has an entry by then, or an inventory its row; always where no time is given."""
    return until is None or datetime.fromisoformat(entry.get("receiveTimestamp") or entry["readTime"]) <= until


def _node_result(unique_id: str, status: str, at: datetime) -> dict[str, Any]:
    return {
        "unique_id": unique_id,
        "status": status,
        "timing": [{"name": "execute", "started_at": at.isoformat(), "completed_at": at.isoformat()}],
        "thread_id": "Thread-1",
        "execution_time": 1.0,
        "adapter_response": {},
        "message": None if status == "success" else "Database Error: division by zero",
        "failures": None,
    }


def _source_result(unique_id: str, status: str, at: datetime) -> dict[str, Any]:
    return {
        "unique_id": unique_id,
        "status": status,
        "max_loaded_at": (at - timedelta(hours=30)).isoformat(),
        "snapshotted_at": at.isoformat(),
        "max_loaded_at_time_ago_in_s": 30 * 3600.0,
        "criteria": {"warn_after": {"count": 12, "period": "hour"}, "error_after": {"count": 24, "period": "hour"}},
        "adapter_response": {},
        "timing": [],
        "thread_id": "Thread-1",
        "execution_time": 1.0,
    }


def minutes_of(start: datetime, count: int) -> Sequence[datetime]:
    """So many minutes from a time on."""
    return [start + number * MINUTE for number in range(count)]
