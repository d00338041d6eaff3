"""Days on which nothing happens that is an incident: each is written, and then looked at."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from incident_ledger.simulation.normal_life import (
    PIPELINE,
    ROBOT,
    SATURDAY,
    SECRET,
    SERVICE,
    USUAL_SECONDS,
    activity_of_weeks,
    runs_of_weeks,
)
from incident_ledger.simulation.stage import DAY, MINUTE, Look, Stage
from incident_ledger.simulation.usage_reports import cost_report, reduced, usage_report

_MODELS = [f"model.shop.orders_{number}" for number in range(10)]


def normal_days(stage: Stage, days: int) -> Iterator[Look]:
    """Write the rows of each day after five weeks of the same, and say when it is looked at: after its daily job.

    A run fails and its retry cures it, a report comes a day late or corrects the one before by some percent, services
    are deployed, a probe fails now and then.
    """
    chance, made = stage.chance, stage.at(0) - 30 * DAY
    usage = usage_report(chance, stage.day + days * DAY)
    costs = cost_report(usage)
    runs_of_weeks(stage, until=stage.at(0))
    activity_of_weeks(stage)
    for number in range(days):
        midnight = stage.at(0) + number * DAY
        due = stage.policy.next_scheduled(PIPELINE, midnight) or midnight + timedelta(hours=14)
        look = Look("run", due + 90 * MINUTE)
        if chance.random() < 0.85 or number == 0:  # else it comes with the next
            past = len(usage) - (days - number) - 1
            stage.report("anthropic_usage", midnight + timedelta(hours=8), usage[:past])
            corrected = reduced(costs[past - 1], chance.randint(94, 100))
            stage.report("anthropic_cost", midnight + timedelta(hours=8), [*costs[: past - 1], corrected])
        _job(stage, due)
        _activity(stage, due)
        stage.listed(midnight + timedelta(hours=3), {"warehouse": made, "mail": made})
        stage.load(look.at - MINUTE)
        _dbt(stage, midnight + timedelta(hours=6))
        stage.history(midnight, look.at - 2 * MINUTE, 15 * MINUTE)
        stage.probe(look.at - MINUTE, {})
        yield look


def _job(stage: Stage, due: datetime) -> None:
    seconds = USUAL_SECONDS * stage.chance.lognormvariate(0, 0.05)
    if stage.chance.random() < 0.1:
        stage.ended(PIPELINE, due + 10 * MINUTE, status="failed", seconds=seconds)
    stage.ended(PIPELINE, due + 40 * MINUTE, seconds=seconds)


def _activity(stage: Stage, due: datetime) -> None:
    stage.audited(due, *SECRET, ROBOT)
    if due.weekday() < SATURDAY and stage.chance.random() < 0.4:
        bindings = [{"role": "roles/run.invoker", "members": [f"serviceAccount:{ROBOT}"]}]
        stage.audited(due - timedelta(hours=3), *SERVICE, "ann@example.com", policy={"bindings": bindings})


def _dbt(stage: Stage, at: datetime) -> None:
    good = dict.fromkeys(_MODELS, "success")
    if stage.chance.random() < 0.2:
        stage.dbt(at, good | {_MODELS[0]: "error"})
        stage.dbt(at + 5 * MINUTE, {_MODELS[0]: "success"})
    else:
        stage.dbt(at, good)
