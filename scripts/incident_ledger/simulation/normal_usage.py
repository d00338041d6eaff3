"""Normal usage as the vendors report it: late, not whole at first, corrected afterwards, and never quite the same."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from incident_ledger.simulation.normal_life import SATURDAY
from incident_ledger.simulation.stage import DAY, Stage
from incident_ledger.simulation.usage_reports import Bucket, bucket, cost_report, results_of

_EXPORTED_AT = time(8)
_REPORTED_DAYS = 14
_LATE, _CORRECTED, _NO_EXPORT = 0.05, 0.03, 0.02
_HOLIDAY = 0.25
# A day of the fifty before and the days themselves on which a vendor's price changes, and by how much.
_PRICE_DAY, _PRICE_FACTOR = 55, Decimal("1.5")
_PEOPLE = tuple(f"person-{number:02}@example.com" for number in range(14))
_EVENTS_A_DAY = 8
# What Cursor's people did after this hour is in the export after the next.
_LATE_EVENTS_HOUR = 15


class NormalUsage:
    """What two vendors report of so many days from a first day on."""

    def __init__(self, stage: Stage, first: date, days: int, is_business_day: Callable[[date], bool]) -> None:
        self._stage, chance = stage, stage.chance
        self._exported: datetime | None = None
        self._dates = [first + timedelta(days=number) for number in range(days)]
        self._no_export = {day for day in self._dates if chance.random() < _NO_EXPORT}
        self._late = {day for day in self._dates if chance.random() < _LATE}
        self._corrected = {day: Decimal(98) for day in self._dates if chance.random() < _CORRECTED}
        self._results: dict[date, list[dict[str, Any]]] = {}
        self._events: dict[date, list[dict[str, Any]]] = {}
        for number, day in enumerate(self._dates):
            is_holiday = day.weekday() < SATURDAY and not is_business_day(day)
            share = _HOLIDAY if is_holiday else 1.0
            self._results[day] = results_of(chance, day, number / 7, share=share)
            self._events[day] = self._day_of_events(day, is_working=is_business_day(day))

    def export(self, until: datetime) -> None:
        """Write the last exports before a time, where there is one since the last that was written."""
        days = [day for day in self._dates if day not in self._no_export]
        times = [datetime.combine(day, _EXPORTED_AT, tzinfo=UTC) for day in days]
        at = max((each for each in times if each <= until), default=None)
        if at is None or at == self._exported:
            return
        since = at.date() - timedelta(days=_REPORTED_DAYS) if self._exported else self._dates[0]
        days = [day for day in self._dates if since <= day < at.date()]
        is_new = {day: at < datetime.combine(day, time(), tzinfo=UTC) + 2 * DAY for day in days}
        usage = [self._bucket(day, is_new=is_new[day]) for day in days if not (is_new[day] and day in self._late)]
        raised_on = self._dates[min(_PRICE_DAY, len(self._dates) - 1)]
        costs = cost_report(usage, lambda day: _PRICE_FACTOR if day >= raised_on else Decimal(1))
        self._stage.report("anthropic_usage", at, usage)
        self._stage.report("anthropic_cost", at, costs)
        self._stage.report_events(at, [event for day in days for event in self._known_events(day, is_new=is_new[day])])
        self._exported = at

    def _bucket(self, day: date, *, is_new: bool) -> Bucket:
        """A day's report: a twentieth is missing in the morning after, and some days are corrected later."""
        percent = Decimal(95) if is_new else self._corrected.get(day, Decimal(100))
        return bucket(day, [_scaled(each, percent) for each in self._results[day]])

    def _known_events(self, day: date, *, is_new: bool) -> list[dict[str, Any]]:
        late = datetime.combine(day, time(_LATE_EVENTS_HOUR), tzinfo=UTC).timestamp() * 1000
        return [event for event in self._events[day] if not is_new or int(event["timestamp"]) < late]

    def _day_of_events(self, day: date, *, is_working: bool) -> list[dict[str, Any]]:
        """Everybody on working days but who is away; of other days one or the other."""
        chance, events = self._stage.chance, []
        for person in _PEOPLE:
            if chance.random() < (0.85 if is_working else 0.1):
                for _ in range(chance.randint(1, 2 * _EVENTS_A_DAY)):
                    at = datetime.combine(day, time(8), tzinfo=UTC) + timedelta(seconds=chance.uniform(0, 9 * 3600))
                    events.append(_event(at, person, [int(1000 * chance.uniform(5, 60)) for _ in range(4)]))
        return events


def _scaled(result: dict[str, Any], percent: Decimal) -> dict[str, Any]:
    """A result with so many percent of its tokens: of all its numbers, also in the objects within it."""
    return {name: _scaled_value(value, percent) for name, value in result.items()}


def _scaled_value(value: Any, percent: Decimal) -> Any:
    if isinstance(value, dict):
        return _scaled(value, percent)
    return int(value * percent / 100) if isinstance(value, int) else value


def _event(at: datetime, person: str, tokens: list[int]) -> dict[str, Any]:
    fresh, created, read, output = tokens
    return {
        "timestamp": str(int(at.timestamp() * 1000)),
        "model": "claude-4-opus",
        "kind": "Usage-based",
        "maxMode": False,
        "requestsCosts": 1,
        "isTokenBasedCall": True,
        "cursorTokenFee": 0,
        "isFreeBugbot": False,
        "userEmail": person,
        "tokenUsage": {
            "inputTokens": fresh,
            "outputTokens": output,
            "cacheWriteTokens": created,
            "cacheReadTokens": read,
            "totalCents": round((3 * fresh + 3.75 * created + 0.3 * read + 15 * output) / 10_000, 5),
        },
    }
