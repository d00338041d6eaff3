"""What whole runs send: labels and limits of every job, and the bill of a run without news and of one with little."""

import re
from collections.abc import Iterator, Sequence

import pytest

from benchmark.billing.api_calls import Kind
from benchmark.billing.charges import Charge, total
from benchmark.billing.schedule import elapsed
from bills import calls, charges
from relay import Relay
from run.environment import Runs

# After the first run; no clock of the incidents that it opens falls due before.
TIMES = ("2026-03-02T09:02:00Z", "2026-03-02T09:04:00Z")
# Within a minute: a lease of 45 s is renewed each third of it, and the second lease is taken. Here a run takes longer.
LEASES_A_MINUTE = 4
LABEL = re.compile(r"[a-z0-9_-]{1,63}")


@pytest.fixture(scope="module")
def billed(first_run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Three runs: the first, the next, which builds what the first recorded, and one without news."""
    place = first_run.place.copy_to(tmp_path_factory.mktemp("billed") / "place")
    endpoint = place.warehouse().endpoint
    assert endpoint is not None
    requests = list(first_run.requests)
    with Relay(endpoint) as relay:
        relayed = place.behind(relay.endpoint)
        for time in TIMES:
            relay.requests.clear()
            relayed.command("run", "--as-of", time)
            requests.append(list(relay.requests))
    yield Runs(place, requests)
    place.stop()


def test_every_job_of_a_run_has_labels_a_byte_limit_and_a_timeout(billed: Runs) -> None:
    jobs = [each for each in calls(billed.requests[0]) if each.kind in {Kind.QUERY, Kind.LOAD, Kind.COPY}]
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


def test_a_run_with_nothing_new_costs_no_more_than_its_budget(billed: Runs) -> None:
    """Incidents are open: what shows their age is built, and nothing is checked or tested."""
    bill = total(_charges(billed, 2))
    assert 0 < bill.jobs <= 30, bill
    assert 0 < bill.dml <= 12, bill
    assert 0 < bill.megabytes <= 600, bill


def test_a_run_with_nothing_new_and_nothing_open_costs_no_more_than_its_budget(calm: Runs) -> None:
    bill = total(_charges(calm, 2))
    assert 0 < bill.jobs <= 15, bill
    assert 0 < bill.megabytes <= 300, bill


def test_a_run_with_one_new_export_of_one_vendor_costs_no_more_than_its_budget(calm: Runs) -> None:
    found = _charges(calm, 3)
    bill = total([each for each in found if each not in _renewals(found)])
    assert 0 < bill.jobs <= 60 - LEASES_A_MINUTE, bill


def test_a_run_with_one_new_export_takes_a_minute_at_most_by_the_latency_table(calm: Runs) -> None:
    """With 16 threads."""
    found = _charges(calm, 3)
    renewals = _renewals(found)
    assert 0 < elapsed([each for each in found if each not in renewals]) <= 60


def _charges(runs: Runs, number: int) -> list[Charge]:
    """What the run of this number was charged for, after those before it."""
    before = [request for requests in runs.requests[:number] for request in requests]
    return charges(runs.requests[number], runs.place.warehouse(), before=before)


def _renewals(found: Sequence[Charge]) -> list[Charge]:
    """What leases take after the first: beside all else, and more where it is slow here."""
    takes = [each for each in found if "fencing_token" in each.call.sql and each.dml]
    assert takes
    return takes[1:]
