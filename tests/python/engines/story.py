"""What the comparison is made over: incidents, usage and verdicts, so that no model is compared while it is empty."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from dbt_results.results import node, write_target
from engines.project import AS_OF
from incident_ledger.dbt_results import ingest
from incident_ledger.demo import incidents, usage
from incident_ledger.importers import Document
from incident_ledger.importers.pipeline import take_in
from incident_ledger.importers.sinks import load_sink
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.commands import CommandContext, open_incident, person_event, resolve
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.reducer import opened
from incident_ledger.ledger.settling import monday, settle
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.policy import load as load_policy
from incident_ledger.postmortem.review_findings import Findings, Improvement
from incident_ledger.probes.probe_results import ProbeResult, write_results
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.suites import load_folders, load_suite
from incident_ledger.response.silences import Scope
from incident_ledger.runner.job import Job
from incident_ledger.runner.silence_rows import add_silence
from incident_ledger.warehouse import Warehouse

# The morning of the day that the builds close: the night's exports, a check, a correction, another check.
_EXPORTED_AT, FIRST_CHECK, _CORRECTED_AT, SECOND_CHECK = (AS_OF - timedelta(hours=hours) for hours in (18, 17, 16, 15))
_LAST_DAY, _DAYS = AS_OF.date() - timedelta(days=2), 4
_DIRTY = usage.FaultRates(cursor_days_late=1)
_CORRECTED = usage.FaultRates(usage_without_output=0.0, claude_code_without_email=0.0)
_SPEND = {
    "subscriptionCycleStart": 1_764_547_200_000,
    "teamMemberSpend": [{"email": "ann@example.com", "role": "member", "spendCents": 1234.5}],
}
# Of the vendors' documentation, by report.
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "anthropic_usage": (
        "api_admin_usage_report_retrieve_messages.1.json",
        "api_admin_analytics_usage_list.1.json",
    ),
    "anthropic_cost": ("api_admin_cost_report_retrieve.1.json",),
    "claude_code": ("api_admin_usage_report_retrieve_claude_code.1.json",),
    "cursor_events": ("filtered-usage-events.response.json",),
    "cursor_daily": ("daily-usage-data.response.json",),
    "cursor_spend": ("spend.response.json",),
}

_MISTAKEN_AT = AS_OF - timedelta(days=90)

# What BigQuery would have recorded of two jobs of a run and one of a tick.
_JOBS = """
create table {table} as
select
    job_id,
    created_at as creation_time,
    created_at as start_time,
    timestamp_add(created_at, interval 1500 millisecond) as end_time,
    'DONE' as state,
    'QUERY' as job_type,
    'SELECT' as statement_type,
    job_id = 'third' as cache_hit,
    if(
        job_id = 'second', struct('timeout' as reason, '' as location, '' as debug_info, 'too slow' as message), null
    ) as error_result,
    1000 as total_bytes_processed,
    if(job_id = 'third', 0, 10485760) as total_bytes_billed,
    125 as total_slot_ms,
    [
        struct('app' as key, 'incident-ledger' as value), struct('command' as key, command as value),
        struct('step' as key, 'build' as value), struct('model' as key, 'fct_mttr' as value)
    ] as labels
from unnest([
    struct('first' as job_id, timestamp '2025-12-30 23:59:59+00' as created_at, 'run' as command),
    struct('second' as job_id, timestamp '2025-12-31 08:00:00+00' as created_at, 'run' as command),
    struct('third' as job_id, timestamp '2025-12-31 08:00:01+00' as created_at, 'tick' as command)
])
"""


# The entries of two runs of a job, one of which failed, and of a start; and of one that is slow at last.
_ENTRIES = (
    ("2025-12-29T14:20:00Z", "run_daily_job", "success", 12.5),
    ("2025-12-30T14:20:00Z", "run_daily_job", "failed", 12.5),
    ("2025-12-31T14:00:00Z", "run_daily_job", "started", 12.5),
    *((f"2025-12-{day}T15:00:00Z", "run_report", "success", 60.0 if day < 30 else 600.0) for day in range(10, 31)),
)
_PIPELINE_LOGS = [
    {
        "insertId": f"{operation} {at}",
        "logName": "projects/p/logs/run.googleapis.com%2Fstdout",
        "timestamp": at,
        "receiveTimestamp": at,
        "severity": "INFO",
        "jsonPayload": {
            "operation": operation,
            "status": status,
            "message": "a message",
            "duration_seconds": seconds,
        },
    }
    for at, operation, status, seconds in _ENTRIES
]

# A circuit breaker opens.
_PIPELINE_LOGS.append(
    {
        "insertId": "breaker",
        "logName": "projects/p/logs/run.googleapis.com%2Fstdout",
        "timestamp": "2025-12-30T09:00:00Z",
        "receiveTimestamp": "2025-12-30T09:00:00Z",
        "severity": "WARNING",
        "jsonPayload": {"operation": "anthropic_api", "event_type": "circuit_breaker", "status": "open"},
    }
)
# The secret that the audit log has as well, and one that it has not.
_PIPELINE_LOGS += [
    {
        "insertId": f"secret {secret}",
        "logName": "projects/p/logs/run.googleapis.com%2Fstdout",
        "timestamp": at,
        "receiveTimestamp": at,
        "severity": "INFO",
        "jsonPayload": {
            "operation": "run_daily_job",
            "event_type": "secret_access",
            "secret_name": secret,
            "principal": "app@ai-workflows-459123.iam.gserviceaccount.com",
        },
    }
    for at, secret in (("2025-12-30T12:00:02Z", "database"), ("2025-12-30T12:10:00Z", "mail"))
]


# A service that was opened to everybody, and closed again by a policy that was set whole.
_AUDIT_LOGS = [
    {
        "insertId": at,
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": at,
        "receiveTimestamp": at,
        "severity": "NOTICE",
        "protoPayload": {
            "serviceName": "run.googleapis.com",
            "methodName": "google.cloud.run.v1.Services.SetIamPolicy",
            "resourceName": "namespaces/p/services/api",
            "authenticationInfo": {"principalEmail": "ann@example.com"},
            "requestMetadata": {"callerIp": "192.0.2.1"},
            "request": {"policy": {"bindings": [{"role": "roles/run.invoker", "members": members}]}},
        },
    }
    for at, members in (("2025-12-30T10:00:00Z", ["allUsers"]), ("2025-12-30T11:00:00Z", ["user:ann@example.com"]))
]
# A secret that an account of the project reads, and one that may not.
_AUDIT_LOGS += [
    {
        "insertId": f"{at} {account}",
        "logName": "projects/p/logs/cloudaudit.googleapis.com%2Fdata_access",
        "timestamp": at,
        "receiveTimestamp": at,
        "severity": "INFO",
        "protoPayload": {
            "serviceName": "secretmanager.googleapis.com",
            "methodName": "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion",
            "resourceName": "projects/1/secrets/database/versions/1",
            "authenticationInfo": {"principalEmail": account},
        },
    }
    for at, account in (
        ("2025-12-30T12:00:00Z", "app@ai-workflows-459123.iam.gserviceaccount.com"),
        ("2025-12-30T12:30:00Z", "eve@example.com"),
    )
]

# A secret that is due for rotation, one that was rotated, and a key that is gone.
_KEY_INVENTORY = [
    {
        "name": f"//{name}",
        "asset_type": kind,
        "resource": {"data": {"createTime": f"{made_on}T10:00:00Z", "rotation": {"rotationPeriod": "2592000s"}}},
        "readTime": f"{read_on}T03:00:00Z",
    }
    for name, kind, made_on, read_on in (
        (
            "s/projects/1/secrets/old/versions/1",
            "secretmanager.googleapis.com/SecretVersion",
            "2025-06-01",
            "2025-12-30",
        ),
        (
            "s/projects/1/secrets/db/versions/1",
            "secretmanager.googleapis.com/SecretVersion",
            "2025-06-01",
            "2025-12-30",
        ),
        (
            "s/projects/1/secrets/db/versions/2",
            "secretmanager.googleapis.com/SecretVersion",
            "2025-12-20",
            "2025-12-30",
        ),
        ("k/projects/1/keys/gone", "apikeys.googleapis.com/Key", "2025-06-01", "2025-12-29"),
    )
]


@dataclass(frozen=True)
class Story:
    """A warehouse that is filled before and between builds. It does without the real data where that is not here.

    Of the archive it takes the incidents that were created on `archive_since` (an ISO date) or later.
    """

    warehouse: Warehouse
    shared_data: Path
    archive_since: str

    def begin(self) -> None:
        """An archive of incidents, real or generated; the vendors' examples; days of usage with faults in the last."""
        folder = self.warehouse.settings.local_path
        folder.mkdir(parents=True, exist_ok=True)
        archive = self.shared_data / "statuspage" / "claude_incidents_2023_2025.jsonl"
        if not archive.is_file():
            archive = incidents.generate(folder, seed=1, end=AS_OF)
        self.warehouse.execute(_JOBS.format(table=self.warehouse.raw("jobs")))
        sinks = {"pipeline_logs": _PIPELINE_LOGS, "audit_logs": _AUDIT_LOGS, "key_inventory": _KEY_INVENTORY}
        for name, entries in sinks.items():
            file = folder / f"{name}.json"
            file.write_text(json.dumps(entries))
            load_sink(self.warehouse, name, [file], loaded_at=AS_OF)
        lines = [line for line in archive.read_bytes().splitlines() if self._is_of_story(line)]
        take_in(self.warehouse, StatuspageImporter(), [Document(archive.name, b"\n".join(lines))], AS_OF)
        for source, names in _EXAMPLES.items():
            files = [file for name in names if (file := self.shared_data / "usage_api" / name).is_file()]
            if files:
                load_usage(self.warehouse, source, files, loaded_at=_EXPORTED_AT)
        self._load(
            "weeks",
            _DIRTY,
            _EXPORTED_AT - timedelta(hours=1),
            only=("cursor_daily", "anthropic_usage", "anthropic_cost"),
            days=50,
        )
        self._load("dirty", _DIRTY, _EXPORTED_AT)
        spend = folder / "spend.json"
        spend.write_text(json.dumps(_SPEND))
        load_usage(self.warehouse, "cursor_spend", [spend], loaded_at=_EXPORTED_AT)
        append(self.warehouse, _mistake(), _MISTAKEN_AT)

    def _is_of_story(self, line: bytes) -> bool:
        return bool(json.loads(line)["created_at"] >= self.archive_since)

    def check(self) -> None:
        """All suites, and a file that is none: breaches, a check that failed, incidents, messages, a run's steps."""
        add_silence(  # of what nothing speaks of
            self.warehouse,
            load_policy(self.warehouse),
            scope=Scope.COMPONENT,
            value="api:moved",
            starts_at=FIRST_CHECK,
            ends_at=FIRST_CHECK + timedelta(days=1),
            reason="It moves",
            actor="ann",
            now=FIRST_CHECK,
        )
        self._ingest("fail", FIRST_CHECK)
        self._probe(FIRST_CHECK)
        self._check(FIRST_CHECK)

    def check_again(self) -> None:
        """Usage with its output tokens and Claude Code with its users: both breaches end, Cursor stays late.

        Somebody reviews one that ended.
        """
        self._ingest("pass", SECOND_CHECK)
        self._load("corrected", _CORRECTED, _CORRECTED_AT, only=("anthropic_usage", "claude_code"))
        self._check(SECOND_CHECK)
        at = SECOND_CHECK + timedelta(hours=1)
        ended = read_state(self.warehouse, is_open=False, source="quality")[0]
        improvement = Improvement(text="A rule for the volume", owner="ann", due="2026-01-31")
        findings = Findings(contributing_factors=("No rule",), improvements=(improvement,), lessons=("Look first",))
        context = CommandContext(actor="ann", at=at, now=at)
        append(self.warehouse, [person_event(ended, context, EventType.REVIEW_COMPLETED, findings.review)], at)
        for hours in (30, 4):
            self._repeat(at - timedelta(hours=hours), at)
        self._settle()

    def _settle(self) -> None:
        """Rows of what is over, and copies of what is not; of one incident nothing is left but its row.

        It is one that does not count: no mart keeps it, and what is computed from nothing has the same rows.
        """
        settle(self.warehouse, monday(AS_OF + timedelta(weeks=2)), AS_OF + timedelta(weeks=4))
        events, settled = self.warehouse.raw("incident_events"), self.warehouse.raw("settled_incidents")
        mistake = f"(select incident_id from {settled} where source = '{_mistake()[0].source}')"
        self.warehouse.execute(f"delete from {events} where incident_id = {mistake}")

    def _probe(self, at: datetime) -> None:
        """A good answer, a refused key, and one that came twice since two commands wrote it."""
        kinds: list[tuple[str, str | None, float]] = [("cursor", None, 0.1), ("anthropic", "authentication", 95.25)]
        results = [
            ProbeResult(
                target_id=name,
                probed_at=at,
                kind="api",
                component=f"api:{name}",
                failure_kind=failure,
                status_code=200 if failure is None else 401,
                latency_ms=latency,
                attempts=1,
                detail=failure,
            )
            for name, failure, latency in kinds
        ]
        write_results(self.warehouse, [*results, results[0]])

    def _repeat(self, detected: datetime, now: datetime) -> None:
        """An incident of a component, over after an hour, of one cause each time and reviewed by nobody."""
        events = [
            open_incident(
                CommandContext(actor="ann", at=detected, now=now),
                title=f"No rows at {detected:%H}",
                severity_level="P1",
                components=["pipeline:daily"],
                known_severities=["P1"],
            )
        ]
        state = opened(events[0])
        context = CommandContext(actor="ann", at=detected + timedelta(hours=1), now=now)
        events.append(person_event(state, context, EventType.ROOT_CAUSE_IDENTIFIED, {"category": "capacity"}))
        append(self.warehouse, [*events, resolve(state, context)], now)

    def _ingest(self, status: str, at: datetime) -> None:
        """A run of a dbt project of which one test ends so, on a table of four rows, and another warns."""
        orders, test, warned = "model.shop.orders", "test.shop.not_null_orders_id.1", "test.shop.unique_orders_id.2"
        made = {"code": "CREATE TABLE", "rows_affected": 4}
        results = [
            {"unique_id": orders, "status": "success", "adapter_response": made, "execution_time": 0.5},
            {"unique_id": test, "status": status, "failures": int(status == "fail"), "message": "Got 1 result"},
            {"unique_id": warned, "status": "warn", "failures": 2},
        ]
        of_orders = {"attached_node": orders, "test_metadata": {"name": "not_null"}}
        nodes = [node(orders), node(test, orders, **of_orders), node(warned, orders)]
        folder = self.warehouse.settings.local_path / f"target_{status}"
        ingest(self.warehouse, [write_target(folder, results, nodes, at)], ingested_at=at)

    def _load(
        self,
        name: str,
        rates: usage.FaultRates,
        at: datetime,
        *,
        only: Container[str] = _EXAMPLES,
        days: int = _DAYS,
    ) -> None:
        folder = self.warehouse.settings.local_path / name
        for source, files in usage.generate(folder, seed=1, end_day=_LAST_DAY, days=days, rates=rates).items():
            if source in only:
                load_usage(self.warehouse, source, files, loaded_at=at)

    def _check(self, at: datetime) -> None:
        no_suite = self.warehouse.settings.local_path / "no_suite.json"
        no_suite.write_text("{}")
        suites = [*load_folders(self.warehouse.settings), load_suite(no_suite, no_suite.name)]
        check_all(self.warehouse, load_policy(self.warehouse), run_id=f"check-{at:%H}", now=at, suites=suites)
        Job(self.warehouse, at, command="run").tick()


def _mistake() -> list[Event]:
    """An incident that was retracted long ago."""
    detected = Event(
        incident_id=incident_id("mistake", "one", _MISTAKEN_AT),
        event_type=EventType.DETECTED,
        occurred_at=_MISTAKEN_AT,
        actor="ann",
        source="mistake",
        source_key="one",
        severity_level="P2",
        payload={"title": "It was none"},
    )
    return [detected, replace(detected, event_type=EventType.RETRACTED, severity_level=None, payload={})]
