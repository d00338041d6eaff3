"""What happens all the time, and is no incident: weekends, month ends, retries, deploys, a blip now and then."""

from datetime import datetime, timedelta

from incident_ledger.simulation.stage import DAY, MINUTE, Stage

PIPELINE = "run_daily_job"
USUAL_SECONDS = 900.0
DAYS = 35
ROBOT = "usage-loader@ai-workflows-459123.iam.gserviceaccount.com"
SECRET = (
    "secretmanager.googleapis.com",
    "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion",
    "projects/shop/secrets/warehouse/versions/1",
)
SERVICE = (
    "run.googleapis.com",
    "google.cloud.run.v1.Services.SetIamPolicy",
    "namespaces/shop/services/usage-api",
)
SATURDAY = 5
_PROBE_DAYS, _PROBE_EVERY = 3, 5 * MINUTE


def runs_of_weeks(stage: Stage, *, until: datetime) -> None:
    """Five weeks of the daily job before a time."""
    chance = stage.chance
    for due in _mornings(stage):
        seconds = USUAL_SECONDS * chance.lognormvariate(0, 0.05)
        if due.weekday() >= SATURDAY:
            seconds *= 0.85  # less to do
        if (due + DAY).day == 1:
            seconds *= 1.25  # the month is closed
        ended_at = due + timedelta(seconds=seconds)
        if chance.random() < 0.1:  # its retry cures it
            stage.ended(PIPELINE, ended_at, status="failed", seconds=seconds)
            ended_at += 10 * MINUTE + timedelta(seconds=seconds)
        if ended_at < until:
            stage.ended(PIPELINE, ended_at, seconds=seconds)


def entries_of_weeks(stage: Stage, *, until: datetime) -> None:
    """Four weeks of a job that logs something every half hour, to a time."""
    for number in range(4 * 7 * 48):
        stage.logged(until - number * 30 * MINUTE, operation="load_events", message="took in what was new")


def activity_of_weeks(stage: Stage) -> None:
    """Five weeks of a secret that is read each morning, and of deploys on some working days."""
    for due in _mornings(stage):
        stage.audited(due, *SECRET, ROBOT)
        if due.weekday() < SATURDAY and stage.chance.random() < 0.4:
            bindings = [{"role": "roles/run.invoker", "members": [f"serviceAccount:{ROBOT}"]}]
            stage.audited(due - timedelta(hours=3), *SERVICE, "ann@example.com", policy={"bindings": bindings})


def _mornings(stage: Stage) -> list[datetime]:
    """When the daily job was due on each day before the stage's."""
    days = [stage.at(0) - back * DAY for back in range(DAYS, 0, -1)]
    return [stage.policy.next_scheduled(PIPELINE, day) or day + timedelta(hours=14) for day in days]


def probes_of_days(stage: Stage, *, until: datetime) -> None:
    """Three days of probes before a time, with a blip and a slow answer now and then."""
    stage.history(until - _PROBE_DAYS * DAY, until, _PROBE_EVERY)
