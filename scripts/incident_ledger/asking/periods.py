"""A period as people write it: 2026, 2026-Q1, 2026-03, 2026-W10 or all. Pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from incident_ledger.errors import UserError

_FORM = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|W(?P<week>\d{2})|(?P<month>\d{2})))?")


@dataclass(frozen=True)
class Period:
    """A period by the names of `rpt_mttr`: its grain, its first day, and the first day after it. `all` has no days."""

    grain: str
    start: date | None = None
    end: date | None = None


def read_period(text: str) -> Period:
    """Raises `UserError` for what is no period."""
    if text == "all":
        return Period("all")
    found = _FORM.fullmatch(text)
    try:
        if found:
            return _period(int(found["year"]), found["quarter"], found["week"], found["month"])
    except ValueError:
        pass  # a month 13, a week 54
    raise UserError(f"--period {text!r} is no period: write 2026, 2026-Q1, 2026-03, 2026-W10 or all.")


def _period(year: int, quarter: str | None, week: str | None, month: str | None) -> Period:
    if week:
        monday = date.fromisocalendar(year, int(week), 1)
        return Period("week", monday, monday + timedelta(days=7))
    first = int(month) if month else 3 * int(quarter) - 2 if quarter else 1
    months = 1 if month else 3 if quarter else 12
    grain = "month" if month else "quarter" if quarter else "year"
    years, after = divmod(first - 1 + months, 12)
    return Period(grain, date(year, first, 1), date(year + years, after + 1, 1))
