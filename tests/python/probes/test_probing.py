"""From probes to incidents on the local warehouse: what is recorded, judged, and found by the next tick."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmark.billing.unbounded import unbounded
from bills import charges
from incident_ledger.cli._app import app
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.policy import Policy
from incident_ledger.probes import ProbeReport, probe
from incident_ledger.probes.probe_baselines import read_baselines
from incident_ledger.probes.probe_results import ProbeResult, write_results
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect
from probes.targets import KEY, Service, free_port, policy_of, says, service, target
from relay import Relay

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAGE = b"<html><title>System health</title></html>"


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with service() as found:
        yield found


@pytest.fixture
def policy(server: Service) -> Policy:
    """Two APIs with keys, two dashboards and the warehouse; one attempt."""
    for path, body in (("/a", b"{}"), ("/c", b"{}"), ("/health", PAGE), ("/review", PAGE)):
        server.answers[path] = says(200, body)
    keyed = {"key_variable": "A_KEY", "key_header": "x-api-key", "expects": "json"}
    return policy_of(
        [
            target(f"{server.url}/a", "anthropic", **keyed, owner="ann"),
            target(f"{server.url}/c", "cursor", **{**keyed, "key_variable": "C_KEY"}),
            target(f"{server.url}/health", "health", kind="dashboard", expects="html"),
            target(f"{server.url}/review", "review", kind="dashboard", expects="html"),
            target(None, "bigquery", kind="warehouse", timeout_seconds=20.0),
        ],
        probe_attempts=1,
    )


KEYS = {"A_KEY": KEY, "C_KEY": f"{KEY}-2"}
Minutes = Callable[..., ProbeReport]


@pytest.fixture
def minutes(ledger: Warehouse, policy: Policy) -> Minutes:
    """Probes at minutes from the start; the report of the last."""

    def play(*numbers: float, environ: dict[str, str] = KEYS) -> ProbeReport:
        return [
            probe(ledger, now=START + timedelta(minutes=number), environ=environ, policy=policy) for number in numbers
        ][-1]

    return play


def tick(ledger: Warehouse, minute: float) -> list[IncidentState]:
    Job(ledger, START + timedelta(minutes=minute), command="tick").tick(wait=0)
    return sorted(read_state(ledger), key=lambda each: each.detection_time)


def signals(ledger: Warehouse) -> dict[str, dict[str, Any]]:
    rows = ledger.rows(f"select * from {ledger.raw('signals')}")
    return {row["source_key"]: row for row in rows}


def test_what_all_targets_answer_is_recorded_and_opens_nothing(ledger: Warehouse, minutes: Minutes) -> None:
    report = minutes(0, 1)
    assert [(each.target_id, each.failure_kind, each.attempts) for each in report.results] == [
        (name, None, 1) for name in ("anthropic", "cursor", "health", "review", "bigquery")
    ]
    assert (report.not_watched, report.open, report.ended) == ((), (), ())
    rows = ledger.rows(
        f"select distinct probed_at, count(*) as n from {ledger.raw('probe_results')} group by probed_at"
    )
    assert sorted(row["n"] for row in rows) == [5, 5]
    assert list(signals(ledger)) == ["all:probes"]
    assert tick(ledger, 2) == []


def test_all_dashboards_down_is_a_p0_of_the_next_tick_and_over_when_they_are_back(
    ledger: Warehouse, minutes: Minutes, server: Service
) -> None:
    server.answers["/health"] = says(503)
    server.answers["/review"] = says(200, b"<title>502 Bad Gateway</title>")
    minutes(1, 3)
    assert tick(ledger, 3) == []
    report = minutes(4)
    assert report.open == (("P0", "No dashboard can be reached: health, review"),)
    (incident,) = tick(ledger, 4)
    assert (incident.severity_level, incident.rule_id) == ("P0", "all_dashboards_unavailable")
    assert incident.detection_time == START + timedelta(minutes=4)
    assert incident.start_time == START + timedelta(minutes=1)
    assert incident.evidence["failure_kinds"] == {"server": 3, "error_page": 3}
    assert "fct_api_health" in incident.evidence["query"]
    server.answers["/health"] = says(200, PAGE)
    minutes(5, 9)
    (incident,) = tick(ledger, 9)
    assert incident.is_open, "well for four minutes of the five that it must be"
    assert minutes(10).ended == ("No dashboard can be reached: health, review",)
    (incident,) = tick(ledger, 10)
    assert incident.resolution_time == START + timedelta(minutes=5)


def test_no_probe_for_longer_than_allowed_is_a_p1_by_the_tick_alone(ledger: Warehouse, minutes: Minutes) -> None:
    minutes(1)
    assert tick(ledger, 16) == []
    (incident,) = tick(ledger, 16.1)
    assert (incident.severity_level, incident.component) == ("P1", "probe:targets")
    minutes(20)
    (incident,) = tick(ledger, 20)
    assert incident.resolution_time == START + timedelta(minutes=20)


def test_a_key_that_is_gone_is_a_check_that_could_not_run_and_one_never_there_is_not_watched(
    ledger: Warehouse, minutes: Minutes
) -> None:
    report = minutes(0, environ={"A_KEY": KEY})
    assert report.not_watched == (("cursor", "C_KEY is not set"),)
    assert report.open == ()
    report = minutes(1, environ={})
    assert report.open == (("P1", "anthropic is not probed any more: A_KEY is not set"),)
    (incident,) = tick(ledger, 1)
    assert incident.component == "check:api:anthropic"
    assert minutes(2).ended == ("anthropic is not probed any more: A_KEY is not set",)


def test_refused_keys_at_two_services_are_one_p1_without_the_keys(
    ledger: Warehouse, minutes: Minutes, server: Service
) -> None:
    refusal = says(401, f'{{"error": "{KEY} is no key"}}'.encode())
    server.answers |= {"/a": refusal, "/c": refusal}
    report = minutes(0, 1, 3)
    assert report.open == (("P1", "2 services refuse their keys: anthropic, cursor"),)
    (incident,) = tick(ledger, 3)
    assert incident.severity_level == "P1"
    everything = [ledger.rows(f"select * from {ledger.raw(table)}") for table in ("probe_results", "signals")]
    assert KEY not in str(everything) + repr(report) + repr(incident)
    assert {headers["x-api-key"] for path, headers in server.requests if path == "/a"} == {KEY}


def test_two_probes_at_once_do_no_harm(ledger: Warehouse, policy: Policy, server: Service) -> None:
    server.answers |= {"/health": says(503), "/review": says(503)}
    for minute in (0, 1, 3):
        now = START + timedelta(minutes=minute)
        times = [now + timedelta(milliseconds=10 * number) for number in range(2)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda time: probe(connect(ledger.settings), now=time, environ=KEYS, policy=policy), times))
    rows = ledger.rows(f"select source_key, count(*) as n from {ledger.raw('signals')} group by source_key")
    assert {row["source_key"]: row["n"] for row in rows} == {"all:probes": 1, "all:dashboards": 1}
    (incident,) = tick(ledger, 5)
    assert (incident.severity_level, incident.start_time) == ("P0", START)
    (row,) = ledger.rows(f"select count(*) as n from {ledger.raw('probe_results')}")
    assert row["n"] == 3 * 2 * 5


def test_a_baseline_is_a_median_that_an_outage_does_not_move(ledger: Warehouse) -> None:
    """Three hours of 95 to 105 ms; in the fourth half of the probes fail and the others take 9 s."""
    results = [
        ProbeResult(
            target_id="cursor", probed_at=START + timedelta(minutes=number), kind="api", component="api:cursor",
            failure_kind="server" if number >= 180 and number % 2 else None, status_code=None, attempts=1, detail=None,
            latency_ms=9_000.0 if number >= 180 else 95.0 + number % 11,
        )
        for number in range(240)
    ]  # fmt: skip
    write_results(ledger, results)
    baseline = read_baselines(ledger, START, START + timedelta(hours=4))["cursor"]
    assert (baseline.probes, baseline.healthy, baseline.error_percent) == (240, 210, 0.0)
    # 180 values from 95 to 105 and 30 of 9,000: the middle of 210 is 101, and half of them are within 3 of it.
    assert (baseline.median_ms, baseline.mad_ms) == (101.0, 3.0)


def test_a_probe_sends_few_statements_and_reads_no_more_than_its_windows(
    ledger: Warehouse, policy: Policy, endpoint: str
) -> None:
    with Relay(endpoint) as relay:
        place = connect(ledger.settings.model_copy(update={"api_endpoint": relay.endpoint}))
        for minute in range(2):
            sent = len(relay.requests)
            probe(place, now=START + timedelta(minutes=minute), environ=KEYS, policy=policy)
        made = charges(relay.requests[sent:], ledger)
    assert unbounded(made, growing=("probe_results",)) == []
    # What the warehouse's own target asks, the results, the state with the newest results, the signals.
    assert len([each for each in made if each.statements]) <= 4


@pytest.fixture
def own_targets(ledger: Warehouse, policy: Policy) -> Iterator[None]:
    """The test's targets in the policy of the warehouse."""
    table = f"`{ledger.settings.project}.{ledger.settings.policy_dataset}.probe_targets`"
    before = ledger.rows(f"select target_id, url, key_variable from {table}")
    for row in policy.tables["probe_targets"][:1]:
        ledger.execute(
            f"update {table} set url = @url, key_variable = 'A_KEY' where target_id = 'anthropic'", {"url": row["url"]}
        )
    port = free_port()
    ledger.execute(f"update {table} set url = @url where kind = 'dashboard'", {"url": f"http://127.0.0.1:{port}/"})
    ledger.execute(f"update {table} set key_variable = 'C_KEY' where target_id = 'cursor'")
    yield
    for row in before:
        ledger.execute(f"update {table} set url = @url, key_variable = @key_variable where target_id = @target_id", row)


@pytest.mark.usefixtures("own_targets")
def test_the_command_says_how_each_target_is_and_no_key(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(ledger.settings, name)))
    monkeypatch.setenv("A_KEY", KEY)
    result = CliRunner().invoke(app, ["probe"])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert [line.split(" ms")[0].rpartition(" ")[0] for line in lines[:1]] == ["anthropic ok"]
    assert [line.split()[:2] for line in lines[1:3]] == [["system-health", "network"], ["bigquery", "ok"]]
    assert lines[3] == "cursor not watched C_KEY is not set"
    body = json.loads(CliRunner().invoke(app, ["probe", "--json"]).stdout)
    assert len(body["results"]) == 3
    assert KEY not in result.output + json.dumps(body)
