"""Days on which nothing happens: no P0, P1 or P2 may follow from them, and fewer than one P3 a week.

Written as it arrives: a log entry may be late or doubled or carry the time of a wrong clock, a vendor reports a day
late or not whole at first and corrects it afterwards. Pipelines, people and vendors have their weekends, holidays,
month ends, retries, deploys, blips, growth and changed prices. The days in question come after seven weeks of the same.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from incident_ledger.simulation.normal_life import PIPELINE, ROBOT, SATURDAY, SECRET, SERVICE, USUAL_SECONDS
from incident_ledger.simulation.normal_usage import NormalUsage
from incident_ledger.simulation.stage import DAY, MINUTE, Answer, Stage

_HOUR = timedelta(hours=1)
_DAYS_BEFORE = 50
_WEEK = 7
_GROWTH_A_WEEK = 1.03
_LATE, _LATE_BY = 0.02, 20 * MINUTE
# How often an entry is missing that a job logs each half hour.
_LEFT_OUT = 0.02
_RETRY, _DEPLOY, _LATE_START, _SKEWED = 0.1, 0.4, 0.05, 0.002
_KEY_DAY = 15
_CREATE_KEY = ("iam.googleapis.com", "google.iam.admin.v1.CreateServiceAccountKey")
_KEY_DAYS = {"warehouse": 80, "mail": 60}
_PROBED_MINUTES = 30


class NormalDays:
    """So many days from the stage's own on: `looks` says when they look most like an absence, `arrive` writes them."""

    def __init__(self, stage: Stage, days: int) -> None:
        self.stage, self.days = stage, days
        self._chance, self._calendar = stage.chance, stage.policy.calendar(stage.at(0))
        self._zone = ZoneInfo(self._calendar.time_zone)
        self._first = stage.day - timedelta(days=_DAYS_BEFORE)
        stage.late_share, stage.late_by = _LATE, _LATE_BY
        self._usage = NormalUsage(stage, self._first, days + _DAYS_BEFORE, self._calendar.is_business_day)
        self._successes: list[tuple[timedelta, datetime]] = []
        self._silences: list[tuple[timedelta, datetime]] = []
        self._last_logged: datetime | None = None
        self._arrived: datetime | None = None
        for day in self._dates():
            self._log_day(day)

    def looks(self) -> list[datetime]:
        """One a week, and one at the end of the last day.

        Of the first week the minute before the job succeeds on the day on which it is latest, of the second the one
        before an entry ends the longest silence, and so on: whoever raises an absence too early does so then.
        """
        looks, end = [], self.stage.at(0) + self.days * DAY
        for number, start in enumerate(range(0, self.days, _WEEK)):
            since = self.stage.at(0) + start * DAY
            until = min(since + _WEEK * DAY, end)
            found = self._silences if number % 2 else self._successes
            looks.append(max(each for each in found if since <= each[1] < until)[1] - MINUTE)
        return [*looks, end - MINUTE]

    def arrive(self, until: datetime) -> None:
        """Write what arrived since the last time: entries, exports, listings of keys, dbt's night, the last probes."""
        stage, since = self.stage, self._arrived
        self._usage.export(until)
        listed = [at for at in self._nights(since, until) if at <= until]
        for at in listed:
            stage.listed(at, {name: self._made(at, days) for name, days in _KEY_DAYS.items()})
        stage.load(until, is_whole=False)
        if listed:
            self._dbt_night(listed[-1])
        history_since = until - 3 * DAY if since is None else max(since, until - DAY)
        probed_since = until - _PROBED_MINUTES * MINUTE
        stage.history(history_since, probed_since, (5 if since is None else 60) * MINUTE)
        stage.history(probed_since, until - MINUTE, MINUTE)
        # One that times out now and then is no failure.
        blips: dict[str, Answer] = {"anthropic": "timeout"} if self._chance.random() < 0.3 else {}
        stage.probe(until - MINUTE, blips)
        self._arrived = until

    def _dates(self) -> Iterator[date]:
        return (self._first + timedelta(days=number) for number in range(_DAYS_BEFORE + self.days))

    def _local(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, tzinfo=self._zone).astimezone(self.stage.at(0).tzinfo)

    def _nights(self, since: datetime | None, until: datetime) -> list[datetime]:
        """When keys are listed: each night."""
        first = (since or until - _WEEK * DAY).date()
        nights = [self.stage.at(3) + timedelta(days=(first - self.stage.day).days + n) for n in range(2 * _WEEK)]
        return [at for at in nights if (since is None or at > since) and at <= until]

    def _made(self, at: datetime, days: int) -> datetime:
        """When the newest version of a secret was made: it is renewed by the calendar."""
        since = (at.date() - date(2020, 1, 1)).days
        return at.replace(hour=1) - timedelta(days=since % days)

    def _log_day(self, day: date) -> None:
        self._pipeline_day(day)
        self._load_day(day)
        self._audit_day(day)

    def _pipeline_day(self, day: date) -> None:
        """The daily job: growing, slower at a month's end, with retries and late starts."""
        stage, chance = self.stage, self._chance
        due = stage.policy.next_scheduled(PIPELINE, self._local(day, time(0)))
        if due is None:
            return
        growth = _GROWTH_A_WEEK ** ((day - self._first).days / _WEEK / 4)  # it works on many at once
        seconds = USUAL_SECONDS * growth * chance.lognormvariate(0, 0.08)
        if day.weekday() >= SATURDAY or not self._calendar.is_business_day(day):
            seconds *= 0.85
        if (day + timedelta(days=1)).day == 1:  # the month is closed
            seconds *= 1.25
        begun = due + timedelta(seconds=chance.uniform(0, 120))
        if chance.random() < _LATE_START:
            begun += chance.uniform(5, 15) * MINUTE
        if chance.random() < _RETRY:
            lasted = seconds * chance.uniform(0.1, 1)
            stage.ended(PIPELINE, begun + timedelta(seconds=lasted), status="failed", seconds=lasted)
            begun += timedelta(seconds=lasted) + 10 * MINUTE
        ended = begun + timedelta(seconds=seconds)
        self._successes.append((ended - due, ended))
        stage.ended(PIPELINE, ended, seconds=seconds)

    def _load_day(self, day: date) -> None:
        """A job each half hour, except for two hours of each Sunday; some of its entries are missing."""
        stage, chance = self.stage, self._chance
        start, end = self._local(day, time(0)), self._local(day + timedelta(days=1), time(0))
        at = start
        while at < end:
            is_closed = day.weekday() > SATURDAY and start + 2 * _HOUR <= at < start + 4 * _HOUR
            if not is_closed and chance.random() >= _LEFT_OUT:
                logged_at = at + timedelta(seconds=chance.uniform(0, 120))
                if self._last_logged is not None:
                    self._silences.append((logged_at - self._last_logged, logged_at))
                self._last_logged = logged_at
                stage.logged(logged_at, operation="load_events", event_type="api_call", message="took in what was new")
                if chance.random() < _SKEWED:  # of a clock that is wrong
                    stage.skewed(logged_at, 3 * _HOUR, operation=PIPELINE, status="failed")
                if chance.random() < _SKEWED:  # opens, and closes at once
                    for state in ("open", "closed"):
                        stage.logged(logged_at, operation="anthropic_api", event_type="circuit_breaker", status=state)
            at += 30 * MINUTE

    def _audit_day(self, day: date) -> None:
        """A secret that is read each morning, deploys on working days, a key each month, and who is refused."""
        stage, chance = self.stage, self._chance
        morning = self._local(day, time(6))
        stage.audited(morning, *SECRET, ROBOT)
        if chance.random() < 0.02:
            stage.audited(morning + _HOUR, *SECRET, "eve@example.com", status_code=7)  # is refused
        if self._calendar.is_business_day(day) and chance.random() < _DEPLOY:
            bindings = [{"role": "roles/run.invoker", "members": [f"serviceAccount:{ROBOT}"]}]
            stage.audited(morning + 3 * _HOUR, *SERVICE, "ann@example.com", policy={"bindings": bindings})
            stage.audited(morning + 3 * _HOUR + MINUTE, *SECRET, ROBOT)
        if day.day == _KEY_DAY:
            stage.audited(morning, *_CREATE_KEY, "projects/shop/serviceAccounts/loader", "sysadmin@samba.tv")

    def _dbt_night(self, at: datetime) -> None:
        """A model may fail, and its retry cures it; a test may warn, and does not the night after."""
        model, others = "model.shop.orders", {f"model.shop.other_{number}": "success" for number in range(9)}
        if self._chance.random() < _RETRY:
            self.stage.dbt(at, {model: "error", **others})
            self.stage.dbt(at + 10 * MINUTE, {model: "success"})
        else:
            self.stage.dbt(at, {model: "success", **others})
