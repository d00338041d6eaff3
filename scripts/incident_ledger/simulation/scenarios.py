"""The scenarios: of each characteristic of the playbook what happens, and what nearly does.

A near miss is just below the threshold, just short of the duration, or over in time. Both come after weeks of normal
life, and what is near to nothing in one rule may be something in another: a near miss is judged by its own rule.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from incident_ledger.errors import UserError
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import COMPLETE_FAILURE, ClassificationRule
from incident_ledger.simulation.normal_life import (
    PIPELINE,
    ROBOT,
    SECRET,
    SERVICE,
    USUAL_SECONDS,
    activity_of_weeks,
    entries_of_weeks,
    probes_of_days,
    runs_of_weeks,
)
from incident_ledger.simulation.stage import DAY, MINUTE, Answer, Look, Played, Stage, minutes_of
from incident_ledger.simulation.usage_reports import cost_report, reduced, usage_report, without_output


@dataclass(frozen=True)
class Scenario:
    """A rule of the policy (`rule_id`), and how what it is about happens on a day."""

    name: str
    rule_id: str
    what: str
    near_miss: str
    _play: Callable[[Stage, bool], Played]

    def play(self, stage: Stage, *, is_near_miss: bool = False) -> Played:
        """Write the rows of it."""
        return self._play(stage, is_near_miss)

    def is_found(self, incidents: Iterable[IncidentState], rule: ClassificationRule) -> bool:
        """Whether one of the incidents is of its rule, with its severity; those of quality name a suite's rule."""
        return any(
            each.severity_level == rule.severity_level
            and (each.rule_id == rule.rule_id or each.source == rule.detector == "quality")
            for each in incidents
        )


def find_scenario(name: str) -> Scenario:
    """A scenario by its name. Raises `UserError`."""
    try:
        return SCENARIOS[name]
    except KeyError:
        raise UserError(f"{name!r} is not a scenario. Known are: {', '.join(SCENARIOS)}.") from None


def _pipeline_dead(stage: Stage, is_near_miss: bool) -> Played:
    due = _due(stage)
    rule = stage.policy.classification_rule(COMPLETE_FAILURE, due)
    met_at = due + timedelta(minutes=float(rule.lower_value or 0)) + MINUTE
    runs_of_weeks(stage, until=due)
    stage.ended(PIPELINE, due + 20 * MINUTE, status="failed")
    if is_near_miss:
        stage.ended(PIPELINE, met_at - 6 * MINUTE, seconds=USUAL_SECONDS)
    stage.load(met_at - 5 * MINUTE)
    return Played(met_at, (Look("run", met_at - 5 * MINUTE), Look("tick", met_at)))


def _pipeline_slow(stage: Stage, is_near_miss: bool) -> Played:
    ended_at = _due(stage) + timedelta(hours=1)
    runs_of_weeks(stage, until=_due(stage))
    stage.ended(PIPELINE, ended_at, seconds=USUAL_SECONDS * (1.8 if is_near_miss else 2.6))
    return _seen_by_a_run(stage, ended_at)


def _logs_missing(stage: Stage, is_near_miss: bool) -> Played:
    last = stage.at(12)
    entries_of_weeks(stage, until=last)
    rule = stage.policy.classification_rule("logs_missing", last)
    met_at = last + timedelta(minutes=float(rule.lower_value or 0)) + MINUTE
    if is_near_miss:
        stage.logged(met_at - 6 * MINUTE, operation="load_events")
    stage.load(met_at - 5 * MINUTE)
    return Played(met_at, (Look("run", met_at - 5 * MINUTE), Look("tick", met_at)))


def _exposure(stage: Stage, is_near_miss: bool) -> Played:
    at = stage.at(12)
    activity_of_weeks(stage)
    member = "group:allUsers@example.com" if is_near_miss else "allUsers"
    bindings = [{"role": "roles/run.invoker", "members": [member]}]
    stage.audited(at, *SERVICE, "ann@example.com", policy={"bindings": bindings})
    return _seen_by_a_run(stage, at)


def _secret_read(stage: Stage, is_near_miss: bool) -> Played:
    at = stage.at(12)
    activity_of_weeks(stage)
    stage.audited(at, *SECRET, ROBOT if is_near_miss else "eve@example.com")
    return _seen_by_a_run(stage, at)


def _key_due(stage: Stage, is_near_miss: bool) -> Played:
    listed_at = stage.at(3)
    rule = stage.policy.classification_rule("key_rotation_due", listed_at)
    met_at = stage.at(12)
    made = met_at - timedelta(days=float(rule.lower_value or 0)) + (2 * MINUTE if is_near_miss else 0 * MINUTE)
    for back in range(7, -1, -1):
        stage.listed(listed_at - back * DAY, {"warehouse": made, "mail": listed_at - 30 * DAY})
    stage.load(listed_at + MINUTE)
    return Played(met_at, (Look("run", listed_at + 2 * MINUTE), Look("tick", met_at + MINUTE)))


def _dashboards_down(stage: Stage, is_near_miss: bool) -> Played:
    down: dict[str, Answer] = {each.target_id: "server" for each in stage.targets("dashboard")}
    return _probed(stage, down, "all_dashboards_unavailable", is_near_miss=is_near_miss)


def _keys_refused(stage: Stage, is_near_miss: bool) -> Played:
    refused: dict[str, Answer] = {each.target_id: "authentication" for each in stage.targets("api")}
    return _probed(stage, refused, "api_authentication_failures", is_near_miss=is_near_miss)


def _api_failing(stage: Stage, is_near_miss: bool) -> Played:
    return _probed(
        stage, {stage.targets("api")[0].target_id: "server"}, "single_api_degradation", is_near_miss=is_near_miss
    )


def _api_slow(stage: Stage, is_near_miss: bool) -> Played:
    slow: dict[str, Answer] = {stage.targets("api")[0].target_id: 180.0 if is_near_miss else 2_000.0}
    return _probed(stage, slow, "single_api_degradation")


def _probes_missing(stage: Stage, is_near_miss: bool) -> Played:
    last = stage.at(12)
    probes_of_days(stage, until=last)
    stage.probe(last, {})
    rule = stage.policy.classification_rule("probes_missing", last)
    met_at = last + timedelta(minutes=float(rule.lower_value or 0)) + MINUTE
    if is_near_miss:
        stage.probe(met_at - 2 * MINUTE, {})
    return Played(met_at, (Look("tick", met_at),))


def _usage_missing(stage: Stage, is_near_miss: bool) -> Played:
    morning, due = _next_morning(stage), _usage_due(stage)
    usage = usage_report(stage.chance, stage.day)
    stage.report("anthropic_usage", morning, usage[:-1])
    if is_near_miss:
        stage.report("anthropic_usage", due - 10 * MINUTE, usage)
    return _seen_when_due(morning, due, is_near_miss=is_near_miss)


def _cost_lost(stage: Stage, is_near_miss: bool) -> Played:
    morning, due = _next_morning(stage), _usage_due(stage)
    usage = usage_report(stage.chance, stage.day)
    costs = cost_report(usage)
    stage.report("anthropic_usage", morning, usage)
    stage.report("anthropic_cost", morning, costs[:-1])
    if is_near_miss:
        stage.report("anthropic_cost", due - 10 * MINUTE, costs)
    return _seen_when_due(morning, due, is_near_miss=is_near_miss)


def _day_shrunk(stage: Stage, is_near_miss: bool) -> Played:
    morning = _next_morning(stage)
    usage = usage_report(stage.chance, stage.day)
    costs = cost_report(usage)
    stage.report("anthropic_usage", morning, usage)
    stage.report("anthropic_cost", morning, costs)
    shrunk_at = morning + timedelta(hours=6)
    # A fifth is what is taken for a loss.
    stage.report("anthropic_cost", shrunk_at, [*costs[:-1], reduced(costs[-1], 81 if is_near_miss else 79)])
    return Played(shrunk_at, (Look("run", shrunk_at + MINUTE),))


def _records_refused(stage: Stage, is_near_miss: bool) -> Played:
    morning = _next_morning(stage)
    usage = usage_report(stage.chance, stage.day)
    odd = {"region": "eu"} if is_near_miss else {"starting_at": "the day before yesterday"}
    stage.report("anthropic_usage", morning, [*usage[:-1], usage[-1] | odd])
    return Played(morning, (Look("run", morning + MINUTE),))


def _quality_bad(stage: Stage, is_near_miss: bool) -> Played:
    return _without_output(stage, 12 if is_near_miss else 13)


def _quality_poor(stage: Stage, is_near_miss: bool) -> Played:
    return _without_output(stage, 3 if is_near_miss else 4)


def _without_output(stage: Stage, results: int) -> Played:
    """Of the day's 64 results so many without their output tokens: 4.7, 6.25, 18.75 and 20.3 % of them."""
    morning = _next_morning(stage)
    usage = usage_report(stage.chance, stage.day)
    stage.report("anthropic_usage", morning, [*usage[:-1], without_output(usage[-1], results)])
    return Played(morning, (Look("run", morning + MINUTE),))


def _next_morning(stage: Stage) -> datetime:
    """When the day's usage is exported."""
    return stage.at(8) + DAY


def _usage_due(stage: Stage) -> datetime:
    """When all of the day must have come."""
    hours = stage.policy.limit("volume_due_hours", stage.at(0))
    return stage.at(0) + DAY + timedelta(hours=float(hours))


def _seen_when_due(morning: datetime, due: datetime, *, is_near_miss: bool) -> Played:
    again = (Look("run", due - 9 * MINUTE),) if is_near_miss else ()
    return Played(due, (Look("run", morning + MINUTE), *again, Look("tick", due)))


def _dbt_model_failed(stage: Stage, is_near_miss: bool) -> Played:
    at, model = stage.at(6), "model.shop.orders"
    others = {f"model.shop.other_{number}": "success" for number in range(9)}
    for back in range(7, 0, -1):
        stage.dbt(at - back * DAY, {model: "success", **others})
    stage.dbt(at, {model: "error", **others})
    rule = stage.policy.classification_rule("dbt_node_failed", at)
    met_at = at + timedelta(minutes=float(rule.hold_minutes or 0)) + MINUTE
    if is_near_miss:  # its own retry cures it
        stage.dbt(met_at - 3 * MINUTE, {model: "success"})
    return Played(met_at, (Look("tick", met_at),))


def _dbt_source_stale(stage: Stage, is_near_miss: bool) -> Played:
    at, source = stage.at(6), "source.shop.raw.orders"
    stage.dbt(at - DAY, {}, freshness={source: "pass"})
    stage.dbt(at, {}, freshness={source: "warn" if is_near_miss else "error"})
    return Played(at, (Look("tick", at + MINUTE),))


def _probed(stage: Stage, answers: dict[str, Answer], rule_id: str, *, is_near_miss: bool = False) -> Played:
    """From noon on these answers, each minute until the rule holds; a near miss is well again a minute before."""
    start = stage.at(12)
    probes_of_days(stage, until=start)
    rule = stage.policy.classification_rule(rule_id, start)
    least = max(int(rule.hold_minutes or 0), int(rule.min_observations or 1))
    for number, at in enumerate(minutes_of(start, least + 1)):
        stage.probe(at, {} if is_near_miss and number == least else answers)
    met_at = start + least * MINUTE
    return Played(met_at, (Look("tick", met_at + MINUTE),))


def _seen_by_a_run(stage: Stage, at: datetime) -> Played:
    stage.load(at + MINUTE)
    return Played(at, (Look("run", at + 2 * MINUTE),))


def _due(stage: Stage) -> datetime:
    """When the pipeline's run of the day is due. Raises `UserError` where the policy has no such schedule."""
    due = stage.policy.next_scheduled(PIPELINE, stage.at(0))
    if due is None:
        raise UserError(f"The policy has no schedule of {PIPELINE}: add it to seeds/policy/pipeline_schedules.csv.")
    return due


SCENARIOS = {
    each.name: each
    for each in (
        Scenario(
            "pipeline-dead", COMPLETE_FAILURE,
            "the daily job has no successful run two hours after its schedule", "it succeeds a few minutes before that",
            _pipeline_dead,
        ),
        Scenario(
            "pipeline-slow", "performance_issues",
            "the daily job takes 2.6 times its usual time", "it takes 1.8 times that", _pipeline_slow,
        ),
        Scenario(
            "logs-missing", "logs_missing",
            "no entry of the jobs' log arrives any more", "one comes a few minutes before that is due", _logs_missing,
        ),
        Scenario(
            "exposure", "security_breach",
            "a service is opened to everybody", "it is opened to a group with such a name", _exposure,
        ),
        Scenario(
            "secret-read", "security_breach",
            "an unknown account reads a secret", "an account reads it that may", _secret_read,
        ),
        Scenario(
            "key-due", "key_rotation_due",
            "a secret is as old as it may be", "it is two minutes younger", _key_due,
        ),
        Scenario(
            "dashboards-down", "all_dashboards_unavailable",
            "no dashboard can be reached", "they are back in time", _dashboards_down,
        ),
        Scenario(
            "keys-refused", "api_authentication_failures",
            "all APIs refuse their keys", "they take them again in time", _keys_refused,
        ),
        Scenario(
            "api-failing", "single_api_degradation",
            "one API answers with errors", "it is well again in time", _api_failing,
        ),
        Scenario(
            "api-slow", "single_api_degradation",
            "one API takes 16 times its usual time", "it takes 1.5 times that", _api_slow,
        ),
        Scenario(
            "probes-missing", "probes_missing", "no probe arrives any more", "one comes in time", _probes_missing
        ),
        Scenario(
            "usage-missing", "usage_volume_missing",
            "a vendor's usage of a day has not come when it is due", "it comes ten minutes before that", _usage_missing,
        ),
        Scenario(
            "cost-lost", "financial_data_loss",
            "a vendor's costs of a day have not come when they are due", "they come ten minutes before", _cost_lost,
        ),
        Scenario(
            "day-shrunk", "financial_data_loss",
            "a fifth of a day's costs is gone from the next report", "19 % of them are", _day_shrunk,
        ),
        Scenario(
            "records-refused", "rows_rejected",
            "a record of a vendor's export has no day and is refused", "it has a field that nobody knows",
            _records_refused,
        ),
        Scenario(
            "quality-bad", "data_quality_failures",
            "over 20 % of a day's records lack their output tokens", "18.75 % do", _quality_bad,
        ),
        Scenario(
            "quality-poor", "data_quality_issues",
            "6.25 % of a day's records lack their output tokens", "4.7 % do", _quality_poor,
        ),
        Scenario(
            "dbt-model-failed", "dbt_node_failed",
            "a model of a dbt project cannot be built", "its retry cures it in time", _dbt_model_failed,
        ),
        Scenario(
            "dbt-source-stale", "dbt_source_stale",
            "a source of a dbt project is older than its freshness allows", "it is as old as the freshness warns of",
            _dbt_source_stale,
        ),
    )
}  # fmt: skip
