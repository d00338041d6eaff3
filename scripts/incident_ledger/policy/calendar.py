"""Business days: the only place of the code that knows time zones."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from incident_ledger.errors import UserError

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_LONGEST_BREAK_DAYS = 366


@dataclass(frozen=True)
class Calendar:
    """Office hours: `weekdays` as MON … SUN, hours in `time_zone`, and the days of `holidays` off."""

    time_zone: str
    opens_at: time
    closes_at: time
    weekdays: tuple[str, ...]
    holidays: Collection[date]

    def is_business_day(self, day: date) -> bool:
        """Whether the office opens on that day."""
        return WEEKDAYS[day.weekday()] in self.weekdays and day not in self.holidays

    def next_business_day(self, at: datetime) -> date:
        """The first business day after the day, in the calendar's time zone, of `at`.

        Raises `UserError` when a whole year has none: then the calendar is wrong.
        """
        today = at.astimezone(ZoneInfo(self.time_zone)).date()
        for days in range(1, _LONGEST_BREAK_DAYS + 1):
            if self.is_business_day(today + timedelta(days=days)):
                return today + timedelta(days=days)
        raise UserError(f"No business day in the year after {today}: correct seeds/policy/business_calendar.csv.")

    def next_weekday(self, weekday: str, clock: time, after: datetime) -> datetime:
        """The first time, in UTC, later than `after` at which it is that weekday and that time in the time zone."""
        zone = ZoneInfo(self.time_zone)
        today = after.astimezone(zone).date()
        days = (WEEKDAYS.index(weekday) - today.weekday()) % len(WEEKDAYS)
        found = (
            datetime.combine(today + timedelta(days=days + more), clock, zone).astimezone(UTC)
            for more in (0, len(WEEKDAYS))
        )
        return next(at for at in found if at > after)

    def quiet_until(self, begins_at: time, ends_at: time, at: datetime) -> datetime | None:
        """When quiet hours that hold at `at` end, in UTC; None where none do. They may go past midnight."""
        zone = ZoneInfo(self.time_zone)
        here = at.astimezone(zone)
        clock, is_overnight = here.time(), ends_at <= begins_at
        is_tonight = is_overnight and clock >= begins_at
        if not (is_tonight or clock < ends_at) or (not is_overnight and clock < begins_at):
            return None
        day = here.date() + timedelta(days=int(is_tonight))
        ends = (datetime.combine(day, ends_at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        return next((end for end in ends if end > at), None)  # an hour that a clock shows twice ends the second time

    def close_of_next_business_day(self, at: datetime) -> datetime:
        """When the office closes on the next business day, in UTC: what "next business day" allows."""
        day = self.next_business_day(at)
        return datetime.combine(day, self.closes_at, ZoneInfo(self.time_zone)).astimezone(UTC)
