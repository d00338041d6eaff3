"""From exported entries of logs to incidents, by a sink, a build and a tick; beside each what is nearly one."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from detecting import Detectors
from incident_ledger.importers.sinks import SINKS, ensure_sink, load_sink
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse
from reused import Reused

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MODELS = (
    "+int_signals__pipeline_durations",
    "+int_signals__exposures",
    "+int_signals__accesses",
    "+int_signals__rotations",
)
READ = "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion"
Entry = dict[str, Any]


@pytest.fixture(scope="module")
def logs(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = reused.like_new(tmp_path_factory.mktemp("logs"), **reused.sinks())
    for sink in SINKS.values():
        ensure_sink(warehouse, sink, NOW.date())
    return warehouse


@pytest.fixture(scope="module")
def incidents(logs: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[IncidentState]]:
    """The incidents after a run at a time with new entries, by the tables of the sinks."""
    detectors, folder = Detectors(logs, MODELS), tmp_path_factory.mktemp("entries")

    def after(time: datetime, **entries: Sequence[Entry]) -> list[IncidentState]:
        for sink, rows in entries.items():
            path = folder / f"{sink}.json"
            path.write_text(json.dumps(rows))
            load_sink(logs, sink, [path], loaded_at=time)
        detectors.detect(time)
        Job(logs, time, command="tick").tick(wait=0)
        return read_state(logs)

    return after


def entry(at: datetime, name: str, **more: Any) -> Entry:
    return {
        "insertId": f"{name} {at.isoformat()}",
        "logName": "projects/p/logs/x",
        "timestamp": at.isoformat(),
        "receiveTimestamp": at.isoformat(),
        "severity": "INFO",
        **more,
    }


def finished(at: datetime, pipeline: str, seconds: float) -> Entry:
    payload = {"operation": pipeline, "status": "success", "duration_seconds": seconds}
    return entry(at, pipeline, jsonPayload=payload)


def audited(at: datetime, method: str, resource: str, principal: str, **request: Any) -> Entry:
    payload = {
        "serviceName": "run.googleapis.com",
        "methodName": method,
        "resourceName": resource,
        "authenticationInfo": {"principalEmail": principal},
        "request": request,
    }
    return entry(at, f"{method} {resource} {principal}", protoPayload=payload)


def policy(at: datetime, resource: str, *members: str) -> Entry:
    bindings = [{"role": "roles/run.invoker", "members": members}]
    return audited(
        at, "google.cloud.run.v1.Services.SetIamPolicy", resource, "ann@x.com", policy={"bindings": bindings}
    )


def test_a_run_that_is_slow_beside_the_others_is_a_p2_until_half_a_day_of_good_ones(
    incidents: Callable[..., list[IncidentState]],
) -> None:
    at = NOW - DAY
    first = [policy(at - DAY, "services/first", "user:ann@x.com")]
    usual = [finished(at - days * DAY, name, 60) for days in range(1, 12) for name in ("slow", "nearly")]
    # Exactly twice the median is not over it.
    last = [finished(at - MINUTE, "nearly", 120), finished(at - MINUTE, "slow", 121)]
    (incident,) = incidents(at, pipeline_logs=[*usual, *last], audit_logs=first)
    assert (incident.severity_level, incident.rule_id) == ("P2", "performance_issues")
    assert incident.components == ("pipeline:slow",)
    good_at = at + 19 * MINUTE
    (incident,) = incidents(at + 20 * MINUTE, pipeline_logs=[finished(good_at, "slow", 60)])
    assert incident.is_open
    cleared_at = good_at + DAY / 2
    (incident,) = incidents(cleared_at + MINUTE, pipeline_logs=[finished(cleared_at, "slow", 60)])
    assert incident.resolution_time == good_at


def test_what_is_opened_to_everybody_is_a_p0_until_it_is_closed(
    incidents: Callable[..., list[IncidentState]],
) -> None:
    at = NOW + 60 * MINUTE
    entries = [policy(at, "services/open", "allUsers"), policy(at, "services/inside", "group:allUsers@x.com")]
    # A clock that is wrong says nothing.
    ahead = {**policy(at + DAY, "services/ahead", "allUsers"), "receiveTimestamp": at.isoformat()}
    open_ones = [each for each in incidents(at + MINUTE, audit_logs=[*entries, ahead]) if each.is_open]
    assert [(each.severity_level, each.components) for each in open_ones] == [
        ("P0", ("resource:run.googleapis.com/services/open",))
    ]
    closed = incidents(at + 20 * MINUTE, audit_logs=[policy(at + 19 * MINUTE, "services/open", "user:ann@x.com")])
    assert [each.resolution_time for each in closed if each.rule_id == "security_breach"] == [at + 19 * MINUTE]


def test_a_secret_that_an_unknown_account_reads_is_a_p0(incidents: Callable[..., list[IncidentState]]) -> None:
    at = NOW + 120 * MINUTE
    known = audited(at, READ, "projects/1/secrets/db/versions/1", "app@ai-workflows-459123.iam.gserviceaccount.com")
    entries = [known, audited(at, READ, "projects/1/secrets/db/versions/1", "eve@x.com")]
    # Again, and what the sink wrote twice: one incident.
    for minutes in (1, 2):
        found = [each for each in incidents(at + minutes * MINUTE, audit_logs=entries) if each.is_open]
        assert [(each.severity_level, each.components) for each in found] == [("P0", ("account:eve@x.com",))]
    (query,) = {each.evidence["query"] for each in found}
    assert query.startswith("select * from fct_secret_access where not is_allowed")


def test_a_secret_that_a_job_says_somebody_read_is_one_access_with_what_the_audit_log_has(
    incidents: Callable[..., list[IncidentState]], logs: Warehouse
) -> None:
    at = NOW + 180 * MINUTE

    def logged(minutes: float, secret: str, account: str, status: str = "success") -> Entry:
        payload = {"event_type": "secret_access", "secret_name": secret, "principal": account, "status": status}
        return entry(at + minutes * MINUTE, f"{secret} {account}", jsonPayload={"operation": "job", **payload})

    robot = "app@ai-workflows-459123.iam.gserviceaccount.com"
    audit = [audited(at, READ, "projects/1/secrets/disk/versions/1", robot)]
    refused = logged(0.5, "disk", "bob@x.com", "denied")
    found = incidents(
        at + 2 * MINUTE,
        audit_logs=audit,
        pipeline_logs=[logged(0.5, "disk", "who@x.com"), logged(1, "tape", "mal@x.com"), refused],
    )
    accounts = {each.components[0] for each in found if each.rule_id == "security_breach" and each.is_open}
    assert accounts & {"account:who@x.com", "account:mal@x.com", "account:bob@x.com"} == {"account:mal@x.com"}
    rows = logs.rows(
        f"select resource, seen_in, principal from {logs.mart('fct_secret_access')} "
        "where resource in ('disk', 'tape') order by resource"
    )
    assert [tuple(row.values()) for row in rows] == [("disk", "audit_log", robot), ("tape", "job_log", "mal@x.com")]


def version(at: datetime, secret: str, number: int, made: datetime, state: str = "ENABLED") -> Entry:
    """A version of a secret in the inventory that was read then."""
    return {
        "name": f"//secretmanager.googleapis.com/projects/1/secrets/{secret}/versions/{number}",
        "assetType": "secretmanager.googleapis.com/SecretVersion",
        "resource": {"data": {"createTime": made.isoformat(), "state": state}},
        "readTime": at.isoformat(),
    }


def test_a_secret_that_is_due_for_rotation_is_a_p3_until_it_is_rotated(
    incidents: Callable[..., list[IncidentState]], logs: Warehouse
) -> None:
    at = NOW + 2 * DAY
    young, due = at - 90 * DAY + 30 * MINUTE, at - 90 * DAY + MINUTE

    def rotations() -> list[IncidentState]:
        return [each for each in read_state(logs) if each.rule_id == "key_rotation_due"]

    snapshot = [
        version(at, "db", 1, due),
        version(at, "mail", 1, young),
        version(at, "off", 1, NOW - 300 * DAY, "DISABLED"),
    ]
    incidents(at, key_inventory=snapshot)
    assert rotations() == []
    # A tick alone: nothing was built since.
    Job(logs, at + MINUTE, command="tick").tick(wait=0)
    (incident,) = rotations()
    assert (incident.severity_level, incident.components) == ("P3", ("key:projects/1/secrets/db",))
    assert incident.detection_time == at + MINUTE
    later = at + 10 * MINUTE
    # A snapshot is all there is: mail is gone before it is due.
    incidents(later, key_inventory=[version(later, "db", 1, due), version(later, "db", 2, later - MINUTE)])
    (incident,) = rotations()
    assert incident.resolution_time == later
    after = at + DAY
    incidents(after, key_inventory=[version(after, "db", 2, later - MINUTE)])
    assert len(rotations()) == 1
