"""What whole runs send: labels and limits of every job, and the bill of a run without news and of one with little."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pytest

from benchmark.billing.api_calls import Kind
from benchmark.billing.charges import Charge, total
from benchmark.billing.schedule import THREADS, elapsed
from bills import calls, charges
from incident_ledger.demo import usage
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.warehouse import Warehouse
from relay import Delay, Relay, Request
from run.environment import Place

# No clock of the incidents that the first run opens falls due between them.
TIMES = ("2026-03-02T09:00:00Z", "2026-03-02T09:02:00Z", "2026-03-02T09:04:00Z")
THURSDAY = date(2026, 3, 5)
# Within a minute: a lease of 45 s is renewed each third of it, and the second lease is taken. Here a run takes longer.
LEASES_A_MINUTE = 4
LABEL = re.compile(r"[a-z0-9_-]{1,63}")


@dataclass(frozen=True)
class Runs:
    """The requests of three runs: the first, the next, which builds what the first recorded, and one without news."""

    requests: Sequence[Sequence[Request]]
    warehouse: Warehouse


@pytest.fixture(scope="module")
def runs(loaded: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    place = loaded.copy_to(tmp_path_factory.mktemp("billed") / "place")
    warehouse = place.warehouse()
    assert warehouse.endpoint is not None
    requests: list[list[Request]] = []
    with Relay(warehouse.endpoint) as relay:
        relayed = place.behind(relay.endpoint)
        for time in TIMES:
            relay.requests.clear()
            relayed.command("run", "--as-of", time)
            requests.append(list(relay.requests))
    yield Runs(requests, warehouse)
    place.stop()


def test_every_job_of_a_run_has_labels_a_byte_limit_and_a_timeout(runs: Runs) -> None:
    jobs = [each for each in calls(runs.requests[0]) if each.kind in {Kind.QUERY, Kind.LOAD, Kind.COPY}]
    assert {each.is_dbt for each in jobs} == {True, False}
    for job in jobs:
        words = (job.sql[:200], job.labels)
        assert {"app", "command", "run"} <= set(job.labels), words
        assert (job.labels["command"], job.labels["run"]) == ("run", "run-2026-03-02t09_00_00_000000z"), words
        assert all(LABEL.fullmatch(value) for value in job.labels.values()), words
        assert int(job.configuration["jobTimeoutMs"]) == 600_000, words
        if job.kind is Kind.QUERY:
            assert int(job.configuration["query"]["maximumBytesBilled"]) == 100 * 1024**3, words
        if job.node is not None:
            assert job.labels["model"], words
    by_step = {
        step: {job.labels.get("model") for job in jobs if job.labels.get("step") == step}
        for step in ("build", "check", "plan", "notify", "report")
    }
    assert all(by_step.values()), by_step
    assert {"stg_anthropic__usage", "fct_usage_daily"} <= by_step["build"] | by_step["report"]
    assert {"stg_anthropic__usage", "stg_anthropic__claude_code"} <= by_step["check"]


def test_a_run_with_nothing_new_costs_no_more_than_its_budget(runs: Runs) -> None:
    """Incidents are open: what shows their age is built, and nothing is checked or tested."""
    before = [*runs.requests[0], *runs.requests[1]]
    bill = total(charges(runs.requests[2], runs.warehouse, before=before))
    assert 0 < bill.jobs <= 30, bill
    assert 0 < bill.dml <= 12, bill
    assert 0 < bill.megabytes <= 600, bill


@pytest.fixture(scope="module")
def calm_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """As `runs`, over data in which nothing is wrong; the fourth is after a new export of one vendor."""
    place = Place(tmp_path_factory.mktemp("calm"))
    warehouse = place.warehouse()
    ensure_ledger(warehouse)
    rates = usage.FaultRates(claude_code_without_email=0, usage_without_output=0, cursor_days_late=0)

    def load(seed: int, days: int, hour: int, *reports: str) -> None:
        files = usage.generate(
            place.folder / f"files{seed}", seed=seed, end_day=date(2026, 3, 4), days=days, rates=rates
        )
        for report in reports or files:
            load_usage(warehouse, report, files[report], loaded_at=_at(hour))

    load(3, 7, 7)
    assert warehouse.endpoint is not None
    requests: list[list[Request]] = []
    with Relay(warehouse.endpoint) as relay:
        relayed = place.behind(relay.endpoint, threads=THREADS)
        for hour in (9, 10, 11, 12):
            if hour == 12:
                load(9, 1, hour, "anthropic_usage")
                # What is in flight together is so on BigQuery too, where an answer takes its time.
                relay.rule(lambda request: request.method == "GET" and "/tables/" in request.path, Delay(0.2))
                relay.rule(lambda request: bool(request.query), Delay(0.8))
            relay.requests.clear()
            report = relayed.json("run", "--as-of", _at(hour).isoformat())
            assert report["open_incidents"] == []
            requests.append(list(relay.requests))
    yield Runs(requests, warehouse)
    place.stop()


def _at(hour: int) -> datetime:
    return datetime.fromisoformat(f"{THURSDAY}T{hour:02}:00:00Z")


def test_a_run_with_nothing_new_and_nothing_open_costs_no_more_than_its_budget(calm_runs: Runs) -> None:
    before = [*calm_runs.requests[0], *calm_runs.requests[1]]
    bill = total(charges(calm_runs.requests[2], calm_runs.warehouse, before=before))
    assert 0 < bill.jobs <= 15, bill
    assert 0 < bill.megabytes <= 300, bill


def test_a_run_with_one_new_export_of_one_vendor_costs_no_more_than_its_budget(calm_runs: Runs) -> None:
    before = [request for requests in calm_runs.requests[:3] for request in requests]
    found = charges(calm_runs.requests[3], calm_runs.warehouse, before=before)
    bill = total([each for each in found if each not in _renewals(found)])
    assert 0 < bill.jobs <= 60 - LEASES_A_MINUTE, bill


def test_a_run_with_one_new_export_takes_a_minute_at_most_by_the_latency_table(calm_runs: Runs) -> None:
    """With 16 threads."""
    before = [request for requests in calm_runs.requests[:3] for request in requests]
    found = charges(calm_runs.requests[3], calm_runs.warehouse, before=before)
    renewals = _renewals(found)
    assert 0 < elapsed([each for each in found if each not in renewals]) <= 60


def _renewals(found: Sequence[Charge]) -> list[Charge]:
    """What leases take after the first: beside all else, and more where it is slow here."""
    takes = [each for each in found if "fencing_token" in each.call.sql and each.dml]
    assert takes
    return takes[1:]
