"""FORMAT_… and PARSE_… of dates and times, element by element; one that is not proven is refused by name."""

import re
from collections.abc import Callable
from datetime import date
from functools import partial

from incident_ledger.warehouse.local.functions.python import instant_us, local_us

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST, _END = (1 - _EPOCH) * _DAY, (date.max.toordinal() + 1 - _EPOCH) * _DAY
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_ELEMENT = re.compile(r"%(E[0-9*][SY]|E[z]|.)", re.DOTALL)
_OF_A_DATE, _OF_A_CLOCK, _OF_A_ZONE = "AaBbhDdeFGgjmuUVWwxYyCQ", "HIMpRSTX", ("z", "Z", "Ez", "s")
REFUSAL = "The local warehouse cannot compute the element %{} as BigQuery does."


class Civil:
    """A clock's date and time, from microseconds since 1970 on that clock, and how far it is ahead of UTC."""

    def __init__(self, us: int, offset: int) -> None:
        days, self.us_of_day = divmod(us, _DAY)
        self.day = date.fromordinal(days + _EPOCH)
        self.offset, self.instant = offset, us - offset
        self.second, self.micro = divmod(self.us_of_day, _SECOND)
        self.hour, self.minute, self.sec = self.second // 3600, self.second // 60 % 60, self.second % 60


def _zone(civil: Civil, colon: str) -> str:
    seconds = abs(civil.offset) // _SECOND
    return f"{'-' if civil.offset < 0 else '+'}{seconds // 3600:02}{colon}{seconds // 60 % 60:02}"


def _week(day: date, first: int) -> int:
    """The week of the year, the first one begins with the first Sunday (0) or Monday (1)."""
    weekday = (day.isoweekday() - first) % 7
    return (day.timetuple().tm_yday + 6 - weekday) // 7


def _seconds(digits: int, civil: Civil) -> str:
    return f"{civil.sec:02}.{f'{civil.micro:06}'[:digits]}"


_WRITERS: dict[str, Callable[[Civil], str]] = {
    "A": lambda c: _DAYS[c.day.weekday()],
    "a": lambda c: _DAYS[c.day.weekday()][:3],
    "B": lambda c: _MONTHS[c.day.month - 1],
    "b": lambda c: _MONTHS[c.day.month - 1][:3],
    "h": lambda c: _MONTHS[c.day.month - 1][:3],
    "C": lambda c: f"{c.day.year // 100:02}",
    "D": lambda c: f"{c.day.month:02}/{c.day.day:02}/{c.day.year % 100:02}",
    "x": lambda c: f"{c.day.month:02}/{c.day.day:02}/{c.day.year % 100:02}",
    "d": lambda c: f"{c.day.day:02}",
    "e": lambda c: f"{c.day.day:2}",
    "F": lambda c: f"{c.day.year:04}-{c.day.month:02}-{c.day.day:02}",
    "G": lambda c: f"{c.day.isocalendar().year:04}",
    "g": lambda c: f"{c.day.isocalendar().year % 100:02}",
    "j": lambda c: f"{c.day.timetuple().tm_yday:03}",
    "m": lambda c: f"{c.day.month:02}",
    "Q": lambda c: str((c.day.month + 2) // 3),
    "U": lambda c: f"{_week(c.day, 0):02}",
    "W": lambda c: f"{_week(c.day, 1):02}",
    "u": lambda c: str(c.day.isoweekday()),
    "w": lambda c: str(c.day.isoweekday() % 7),
    "V": lambda c: f"{c.day.isocalendar().week:02}",
    "Y": lambda c: str(c.day.year),
    "y": lambda c: f"{c.day.year % 100:02}",
    "E4Y": lambda c: f"{c.day.year:04}",
    "H": lambda c: f"{c.hour:02}",
    "I": lambda c: f"{(c.hour + 11) % 12 + 1:02}",
    "M": lambda c: f"{c.minute:02}",
    "p": lambda c: "AM" if c.hour < 12 else "PM",
    "R": lambda c: f"{c.hour:02}:{c.minute:02}",
    "S": lambda c: f"{c.sec:02}",
    "T": lambda c: f"{c.hour:02}:{c.minute:02}:{c.sec:02}",
    "X": lambda c: f"{c.hour:02}:{c.minute:02}:{c.sec:02}",
    "E*S": lambda c: f"{c.sec:02}" + (f".{c.micro:06}".rstrip("0") if c.micro else ""),
    "z": lambda c: _zone(c, ""),
    "Ez": lambda c: _zone(c, ":"),
    "s": lambda c: str(c.instant // _SECOND),
    "n": lambda _: "\n",
    "t": lambda _: "\t",
    "%": lambda _: "%",
}
_WRITERS |= {f"E{digits}S": partial(_seconds, digits) for digits in range(1, 7)}


def write(words: str, us: int, zone: str, kind: str) -> str:
    """The text of a time. `us` is the clock's own for a DATE, DATETIME or TIME, an instant for a TIMESTAMP."""
    local = local_us(us, zone) if kind == "TIMESTAMP" else us
    if local is None:
        return f"\0Invalid time zone: {zone}"
    if not _FIRST <= local < _END:
        return "\0The local warehouse cannot compute a clock beyond the years 1 to 9999 as BigQuery does."
    if (local - us) % (60 * _SECOND):
        return "\0The local warehouse cannot compute a zone that was ahead by seconds as BigQuery does."
    civil = Civil(local, local - us)
    made, at = [], 0
    for element in _ELEMENT.finditer(words):
        writer = _WRITERS.get(element[1])
        if writer is None or not _fits(element[1], kind):
            return "\0" + REFUSAL.format(element[1])
        made += [words[at : element.start()], writer(civil)]
        at = element.end()
    rest = words[at:]
    return "\0" + REFUSAL.format("") if "%" in rest else "".join([*made, rest])


def _fits(element: str, kind: str) -> bool:
    """Whether the type has what the element asks for. (BigQuery prints the element otherwise.)"""
    is_date = element in _OF_A_DATE or element == "E4Y"
    is_clock = element in _OF_A_CLOCK or (element.endswith("S") and element.startswith("E"))
    is_zone = element in _OF_A_ZONE
    return not {"DATE": is_clock or is_zone, "TIME": is_date or is_zone, "DATETIME": is_zone}.get(kind, False)


class _Unparsed(Exception):  # noqa: N818 - control flow
    pass


class _Reader:
    """The text that is left, and what was read of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.year, self.month, self.day = 1970, 1, 1
        self.hour = self.minute = self.sec = self.micro = 0
        self.is_pm: bool | None = None
        self.hour12: int | None = None
        self.offset: int | None = None
        self.instant: int | None = None

    def number(self, most: int, low: int, high: int) -> int:
        found = re.match(rf"[0-9]{{1,{most}}}", self.text)
        if found is None or not low <= int(found[0]) <= high:
            raise _Unparsed
        self.text = self.text[found.end() :]
        return int(found[0])

    def name(self, names: tuple[str, ...]) -> int:
        for place, name in enumerate(names):
            for form in (name, name[:3]):
                if self.text[: len(form)].lower() == form.lower():
                    self.text = self.text[len(form) :]
                    return place
        raise _Unparsed

    def fraction(self, most: int) -> None:
        found = re.match(rf"\.([0-9]{{0,{most}}})", self.text)
        if found:
            self.micro = int(found[1][:6].ljust(6, "0"))
            self.text = self.text[found.end() :]

    def zone(self, element: str) -> None:
        """`+0530` for `%z`, `+05:30` and `Z` for `%Ez`."""
        form = r"([+-])([0-9]{2})([0-9]{2})" if element == "z" else r"[Zz]|([+-])([0-9]{2}):([0-9]{2})"
        found = re.match(form, self.text)
        if found is None:
            raise _Unparsed
        self.text = self.text[found.end() :]
        minutes = int(found[2]) * 60 + int(found[3]) if found.lastindex else 0
        if minutes > 14 * 60:
            raise _Unparsed
        self.offset = (-1 if found.lastindex and found[1] == "-" else 1) * minutes * 60 * _SECOND

    def read(self, element: str) -> None:  # noqa: PLR0912 - one line an element
        match element:
            case "Y" | "E4Y":
                self.year = self.number(4, 0, 9_999)
            case "m":
                self.month = self.number(2, 1, 12)
            case "d" | "e":
                self.text = self.text.lstrip() if element == "e" else self.text
                self.day = self.number(2, 1, 31)
            case "b" | "B" | "h":
                self.month = self.name(_MONTHS) + 1
            case "H":
                self.hour, self.hour12 = self.number(2, 0, 23), None
            case "I":
                self.hour12 = self.number(2, 1, 12)
            case "M":
                self.minute = self.number(2, 0, 59)
            case "S":
                self.sec = self.number(2, 0, 60)
            case "E*S" | "E1S" | "E2S" | "E3S" | "E4S" | "E5S" | "E6S":
                self.sec = self.number(2, 0, 60)
                self.fraction(6 if element == "E*S" else int(element[1]))
            case "p":
                if self.text[:2].upper() not in {"AM", "PM"}:
                    raise _Unparsed
                self.is_pm = self.text[:2].upper() == "PM"
                self.text = self.text[2:]
            case "z" | "Ez":
                self.zone(element)
            case _:
                raise KeyError(element)

    def microseconds(self, zone: str) -> int:
        if self.hour12 is not None:
            self.hour = self.hour12 % 12 + (12 if self.is_pm else 0)
        if not 1 <= self.year <= 9999:
            raise _Unparsed
        try:
            days = date(self.year, self.month, self.day).toordinal() - _EPOCH
        except ValueError:
            raise _Unparsed from None
        us = days * _DAY + ((self.hour * 60 + self.minute) * 60 + self.sec) * _SECOND + self.micro
        if self.offset is not None:
            return us - self.offset
        made = instant_us(us, zone)
        if made is None:
            raise _Unparsed
        return made


_SPELLED_OUT = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "X": "%H:%M:%S", "D": "%m/%d/%y", "x": "%m/%d/%y"}
_READ = {"DATE": "YmdeBbh", "TIME": "HIMSp", "DATETIME": "YmdeBbhHIMSp", "TIMESTAMP": "YmdeBbhHIMSpz"}


def parse(words: str, text: str, zone: str, kind: str) -> int | None:
    """Microseconds since 1970 of the text; None where it does not fit, `REFUSED` of an element that is not proven."""
    full = _ELEMENT.sub(lambda hit: _SPELLED_OUT.get(hit[1], hit[0]), words)
    elements = [hit[1] for hit in _ELEMENT.finditer(full)]
    for element in elements:
        plain = {"Ez": "z", "E4Y": "Y"}.get(element, "S" if element.endswith("S") else element)
        if plain not in _READ[kind]:
            return REFUSED
    if len(set(elements)) != len(elements) or "\\" in words:
        return REFUSED
    is_odd_zone = "z" in full and re.search(r"[+-][0-9]{2}$", text.strip())
    if is_odd_zone or ("Y" in full and re.search(r"(?:^|\D)0[0-9]{4}\D", text)):
        return REFUSED  # an offset of hours alone, a year of five digits
    reader, at = _Reader(text.strip()), 0
    try:
        for element in _ELEMENT.finditer(full):
            _literal(reader, full[at : element.start()])
            reader.read(element[1])
            at = element.end()
        _literal(reader, full[at:])
        return None if reader.text.strip() else reader.microseconds(zone)
    except _Unparsed:
        return None


REFUSED = -(2**62)


def _literal(reader: _Reader, words: str) -> None:
    for part in re.findall(r"\s+|\S", words):
        if part.isspace():
            reader.text = reader.text.lstrip()
        elif reader.text.startswith(part):
            reader.text = reader.text[1:]
        else:
            raise _Unparsed


FUNCTIONS: dict[str, tuple[Callable[..., object], tuple[str, ...], str]] = {
    "il_write": (write, ("VARCHAR", "BIGINT", "VARCHAR", "VARCHAR"), "VARCHAR"),
    "il_read": (parse, ("VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"), "BIGINT"),
}
MACROS = {
    "il_written(text)": "CASE WHEN text[1] = chr(0) THEN il_error(text[2:], text) ELSE text END",
    **{
        f"il_format_{kind.lower()}(f, x)": f"il_written(il_write(f, il_us(x), 'UTC', '{kind}'))"
        for kind in ("DATE", "DATETIME")
    },
    "il_format_time(f, x)": "il_written(il_write(f, il_time_us(x), 'UTC', 'TIME'))",
    "il_format_timestamp_at(f, x, z)": "il_written(il_write(f, il_us(x), z, 'TIMESTAMP'))",
    "il_moment(f, s, z, kind)": (
        "CASE WHEN il_read(f, s, z, kind) = -4611686018427387904 THEN il_refuse('the format ' || f, s) "
        "WHEN il_read(f, s, z, kind) IS NULL AND f || s || z IS NOT NULL "
        "THEN il_error('Failed to parse input string ' || s, s) ELSE make_timestamp(il_read(f, s, z, kind)) END"
    ),
    "il_parse_date(f, s)": "CAST(il_moment(f, s, 'UTC', 'DATE') AS DATE)",
    "il_parse_datetime(f, s)": "il_moment(f, s, 'UTC', 'DATETIME')",
    "il_parse_time(f, s)": "CAST(il_moment(f, s, 'UTC', 'TIME') AS TIME)",
    "il_parse_timestamp_at(f, s, z)": "CAST(il_in_range(il_moment(f, s, z, 'TIMESTAMP')) AS TIMESTAMPTZ)",
}
