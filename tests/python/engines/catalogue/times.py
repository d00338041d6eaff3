"""Dates, date-times, times and timestamps: every part, every format element, zones."""

_DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
_WEEKS = ["week", *(f"week({day})" for day in _DAYS), "isoweek"]
_DATE = ["day", *_WEEKS, "month", "quarter", "year", "isoyear"]
_CLOCK = ["microsecond", "millisecond", "second", "minute", "hour"]
_ADDED = ["day", "week", "month", "quarter", "year"]
_ONLY_TIME = _CLOCK

TRUNC = [
    *(f"date_trunc({{d}}, {part})" for part in _DATE),
    *(f"datetime_trunc({{t}}, {part})" for part in [*_CLOCK, *_DATE]),
    *(f"timestamp_trunc({{p}}, {part})" for part in [*_CLOCK, *_DATE]),
    *(f"timestamp_trunc({{p}}, {part}, {{z}})" for part in ["hour", "minute", *_DATE]),
    *(f"timestamp_trunc({{p}}, {part}, 'America/New_York')" for part in ("day", "week", "month")),
    *(f"time_trunc({{m}}, {part})" for part in _CLOCK),
    *(f"date_trunc({{{a}}}, {part})" for a in "tp" for part in ("day", "week", "month", "hour", "isoweek")),
    *("date_trunc({p}, day, 'America/New_York')", "timestamp_trunc({t}, day)", "datetime_trunc({d}, month)"),
    *(f"last_day({{{a}}})" for a in "dt"),
    *(f"last_day({{{a}}}, {part})" for a in "dt" for part in [*_WEEKS, "month", "quarter", "year", "isoyear"]),
]
DIFF = [
    *(f"date_diff({{d}}, {{d2}}, {part})" for part in _DATE),
    *(f"datetime_diff({{t}}, {{t2}}, {part})" for part in [*_CLOCK, *_DATE]),
    *(f"timestamp_diff({{p}}, {{p2}}, {part})" for part in [*_CLOCK, "day"]),
    *(f"time_diff({{m}}, {{m2}}, {part})" for part in _CLOCK),
    *(f"date_diff({{t}}, {{t2}}, {part})" for part in ("day", "week", "month", "hour")),
    *(f"date_diff({{p}}, {{p2}}, {part})" for part in ("day", "hour", "minute")),
    *("timestamp_diff({t}, {t2}, day)", "timestamp_diff({p}, {p2}, week)", "timestamp_diff({p}, {p2}, month)"),
    *(
        "date_diff(date({p}), date({p2}), day)",
        "date_diff(date({p}), {d}, week(monday))",
        "timestamp_diff({p}, {p2}, microsecond) / 6e7",
    ),
]
ADD = [
    *(f"date_{name}({{d}}, interval {{k}} {part})" for name in ("add", "sub") for part in _ADDED),
    *(f"datetime_{name}({{t}}, interval {{k}} {part})" for name in ("add", "sub") for part in [*_CLOCK, *_ADDED]),
    *(f"timestamp_{name}({{p}}, interval {{k}} {part})" for name in ("add", "sub") for part in [*_CLOCK, "day"]),
    *(f"time_{name}({{m}}, interval {{k}} {part})" for name in ("add", "sub") for part in _CLOCK),
    *(f"date_add({{t}}, interval {{k}} {part})" for part in ("hour", "day", "month")),
    *(
        f"timestamp_add({{p}}, interval {count} {part})"
        for count in (90, -3600, 100000)
        for part in ("second", "minute", "hour", "day")
    ),
    *(
        f"{{{a}}} {op} interval {count} {part}"
        for a in "dtp"
        for op in "+-"
        for count in (1, 30)
        for part in ("day", "hour")
    ),
    *(f"{{{a}}} + interval 1 {part}" for a in "dt" for part in ("week", "month", "quarter", "year")),
    *("{d} + 1", "{d} - 1", "{d} + {k}", "{d} - {d2}", "{p} - {p2}", "{t} - {t2}", "1 + {d}"),
    *(
        "safe.date_add({d}, interval {k} month)",
        "safe.timestamp_add({p}, interval {k} day)",
        "safe.date_sub({d}, interval {k} year)",
    ),
    *(
        "date_add({d}, interval {k} isoweek)",
        "timestamp_add({p}, interval 1 week)",
        "timestamp_add({p}, interval 1 month)",
    ),
]
_EXTRACTED = ["dayofweek", "day", "dayofyear", *_WEEKS, "month", "quarter", "year", "isoyear"]
EXTRACT = [
    *(f"extract({part} from {{{a}}})" for a in "dtp" for part in _EXTRACTED),
    *(f"extract({part} from {{{a}}})" for a in "tpm" for part in _CLOCK),
    *(
        f"extract({part} from {{p}} at time zone {{z}})"
        for part in ("hour", "minute", "day", "dayofweek", "week", "date", "isoweek", "year")
    ),
    *(f"extract({part} from {{{a}}})" for a in "tp" for part in ("date", "time", "datetime")),
    *("unix_date({d})", "unix_seconds({p})", "unix_millis({p})", "unix_micros({p})"),
    *("date_from_unix_date({k})", "date_from_unix_date(20000)", "date_from_unix_date({i})"),
    *(f"timestamp_{unit}({{i}})" for unit in ("seconds", "millis", "micros")),
    *(
        f"timestamp_{unit}({count})"
        for unit in ("seconds", "millis", "micros")
        for count in (0, -1, 1700000000, 1700000000123, -62135596800)
    ),
]
MAKE = [
    *("date({p})", "date({t})", "date({d})", "date({p}, {z})", "date({p}, 'America/New_York')", "date({s})"),
    *("date(2024, 2, 29)", "date(2023, 2, 29)", "date(10000, 1, 1)", "date(2024, {k}, {k2})", "date(2024, 13, 1)"),
    *(
        "datetime({p})",
        "datetime({d})",
        "datetime({t})",
        "datetime({p}, {z})",
        "datetime({d}, {m})",
        "datetime(2024, 2, 29, 1, 2, 3)",
    ),
    *("datetime(2024, 2, 29, 24, 0, 0)", "datetime({s})", "datetime(2024, {k}, 1, 0, 0, 0)"),
    *("time({t})", "time({p})", "time(12, 30, 15)", "time(24, 0, 0)", "time({p}, {z})", "time({k}, 0, 0)"),
    *(
        "timestamp({d})",
        "timestamp({t})",
        "timestamp({p})",
        "timestamp({d}, {z})",
        "timestamp({t}, {z})",
        "timestamp({s})",
    ),
    *(
        "timestamp('2024-01-01')",
        "timestamp('2024-01-01 10:00:00+02')",
        "timestamp('2024-01-01 10:00:00', {z})",
        "timestamp('nonsense')",
    ),
    *("timestamp('2024-03-10 02:30:00', 'America/New_York')", "timestamp('2024-11-03 01:30:00', 'America/New_York')"),
    *(
        "datetime(timestamp '2024-03-10 07:30:00+00', 'America/New_York')",
        "date({p}, 'No/Where')",
        "timestamp({t}, 'Nowhere')",
    ),
    *(f"string({{{a}}})" for a in "dtpm"),
    *("string({p}, {z})", "safe.date(2023, 2, 29)", "safe.timestamp({s})", "safe.datetime(2024, 13, 1, 0, 0, 0)"),
    *(f"{name}() is not null" for name in ("current_date", "current_timestamp", "current_datetime", "current_time")),
    *("current_date('America/New_York') is null", "current_datetime('UTC') is null", "current_time('UTC') is null"),
    *(
        "timestamp_diff(current_timestamp(), timestamp(current_datetime()), minute)",
        "current_date is null",
        "current_timestamp is null",
    ),
    *("date_diff(current_date(), date(current_datetime()), year)",),
    *("generate_date_array(date '2024-01-30', date '2024-02-02')",),
    *(
        f"generate_date_array(date '2024-01-31', date '2025-03-01', interval {k} {part})"
        for k in (1, 2)
        for part in ("week", "month", "quarter", "year")
    ),
    *(
        "generate_date_array(date '2024-02-02', date '2024-01-30', interval -1 day)",
        "generate_date_array({d}, {d2}, interval 100 year)",
    ),
    *(
        "generate_date_array(date '2024-02-02', date '2024-01-30')",
        "generate_date_array(date '2024-01-01', date '2024-01-03', interval 0 day)",
    ),
    *(
        f"generate_timestamp_array(timestamp '2024-03-10 05:00:00+00', timestamp '2024-03-10 08:30:00+00', interval {step})"
        for step in ("1 hour", "30 minute", "1 day", "5400 second", "-1 hour")
    ),
]
_ELEMENTS_D = list("AaBbhCDdeFGgjmQUuVWwxYy") + ["n", "t", "%", "E4Y"]
_ELEMENTS_T = list("HIklMPpRrSTX") + ["E3S", "E*S", "E6S", "E1S"]
_ELEMENTS_Z = ["Z", "z", "s", "Ez", "c"]
FORMATTED = [
    *(f"format_date('%{element}', {{d}})" for element in _ELEMENTS_D),
    *(f"format_datetime('%{element}', {{t}})" for element in [*_ELEMENTS_D, *_ELEMENTS_T]),
    *(f"format_time('%{element}', {{m}})" for element in _ELEMENTS_T),
    *(f"format_timestamp('%{element}', {{p}})" for element in [*_ELEMENTS_D, *_ELEMENTS_T, *_ELEMENTS_Z]),
    *(f"format_timestamp('%{element}', {{p}}, {{z}})" for element in ["F", "T", "H", "Z", "z", "Ez", "a", "c"]),
    *(
        "format_timestamp('%Y-%m-%d %H:%M:%E6S%Ez', {p})",
        "format_timestamp('%FT%TZ', {p})",
        "format_date('%Y%m%d', {d})",
    ),
    *(
        "format_timestamp('%d %b %Y, %H:%M', {p}, 'Europe/Berlin')",
        "format_date('%d.%m.%Y', {d})",
        "format_date('%G-W%V', {d})",
    ),
    *(
        "format_date('%Y-Q%Q', {d})",
        "format_date('100%', {d})",
        "format_date('%q', {d})",
        "format_date('%Ey', {d})",
        "format_date('', {d})",
    ),
    *(
        "format_date('%H', {d})",
        "format_timestamp('%s', {p})",
        "format_date('é %d', {d})",
        "format_date({s}, {d})",
        "format_date('%J', {d})",
    ),
]
_PARSED = {
    "parse_date": (
        *(
            "'%Y-%m-%d', '2024-02-29'",
            "'%Y-%m-%d', '2023-02-29'",
            "'%F', '2024-02-29'",
            "'%d/%m/%Y', '29/02/2024'",
            "'%m/%d/%y', '02/29/24'",
        ),
        *(
            "'%m/%d/%y', '02/28/69'",
            "'%Y%m%d', '20240229'",
            "'%b %d, %Y', 'Feb 29, 2024'",
            "'%B %e %Y', 'february 9 2024'",
            "'%A %d %B %Y', 'Monday 1 January 2024'",
        ),
        *(
            "'%Y', '2024'",
            "'%Y-%m', '2024-02'",
            "'%j %Y', '060 2024'",
            "'%Y-%m-%d', ' 2024-02-29 '",
            "'%Y-%m-%d', '2024-2-9'",
            "'%Y-%m-%d', '2024-02-29x'",
        ),
        *(
            "'%Y-%m-%d', ''",
            "'%D', '02/29/24'",
            "'%x', '02/29/24'",
            "'%G-W%V-%u', '2024-W09-4'",
            "'%Q %Y', '2 2024'",
            "'%s', '0'",
            "'%q', 'x'",
            "'%Y-%m-%d', '02024-02-29'",
        ),
        *(
            "'%C%y', '2024'",
            "'%U %Y', '10 2024'",
            "'%h %d %Y', 'FEB 2 2024'",
            "'%E4Y-%m', '2024-05'",
            "'%Y-%m-%d', '10000-01-01'",
            "'%d %d %Y', '1 2 2024'",
        ),
    ),
    "parse_datetime": (
        *(
            "'%F %T', '2024-02-29 10:11:12'",
            "'%Y-%m-%dT%H:%M:%E*S', '2024-02-29T10:11:12.123456'",
            "'%F %I:%M %p', '2024-02-29 01:02 PM'",
        ),
        *(
            "'%F %I:%M %p', '2024-02-29 12:02 AM'",
            "'%c', 'Thu Feb 29 10:11:12 2024'",
            "'%F %R', '2024-02-29 10:11'",
            "'%F %H', '2024-02-29 24'",
        ),
        *(
            "'%F %E3S', '2024-02-29 12.345'",
            "'%s', '86400'",
            "'%Y-%m-%d %H:%M:%S', '2024-02-29 10:11:60'",
            "'%F', '2024-02-29'",
            "'%T', '10:11:12'",
            "'%F %k:%M', '2024-02-29  7:05'",
        ),
        *(
            "'%F %l:%M%P', '2024-02-29 7:05pm'",
            "'%F %r', '2024-02-29 07:05:06 PM'",
            "'%F %T', '2024-02-29 10:11:12.5'",
            "'%F %E6S', '2024-02-29 1.5'",
        ),
    ),
    "parse_time": (
        "'%T', '10:11:12'",
        "'%H', '7'",
        "'%I %p', '7 PM'",
        "'%R', '23:59'",
        "'%T', '24:00:00'",
        "'%E*S', '12.5'",
        "'%H:%M:%E6S', '1:2:3.456789'",
        "'%T', 'x'",
        "'%X', '10:11:12'",
    ),
    "parse_timestamp": (
        *(
            "'%F %T', '2024-02-29 10:11:12'",
            "'%F %T%z', '2024-02-29 10:11:12+0530'",
            "'%F %T %z', '2024-02-29 10:11:12 -08:00'",
            "'%F %T%Ez', '2024-02-29 10:11:12+05:30'",
        ),
        *(
            "'%FT%TZ', '2024-02-29T10:11:12Z'",
            "'%Y-%m-%dT%H:%M:%E*S%Ez', '2024-02-29T10:11:12.123+00:00'",
            "'%s', '1700000000'",
            "'%s', '-5'",
            "'%F %T %Z', '2024-02-29 10:11:12 America/New_York'",
        ),
        *(
            "'%F %T %Z', '2024-02-29 10:11:12 UTC'",
            "'%F %T %Z', '2024-02-29 10:11:12 EST'",
            "'%F %T', '2024-02-29 10:11:12', 'America/New_York'",
            "'%F %T', '2024-03-10 02:30:00', 'America/New_York'",
        ),
        *(
            "'%F %T', '2024-02-29 10:11:12', '+05:30'",
            "'%F %T', 'nonsense'",
            "'%F', '2024-02-29'",
            "'%d/%b/%Y:%H:%M:%S %z', '29/Feb/2024:10:11:12 +0100'",
            "'%a %b %d %H:%M:%S %Y', 'Thu Feb 29 10:11:12 2024'",
        ),
        *(
            "'%F %T%z', '2026-01-01 10:00:00+01'",
            "'%Ez', 'Z'",
            "'%F %T%Ez', '2024-02-29 10:11:12Z'",
            "'%F %T%z', '2024-02-29 10:11:12Z'",
            "'%c', 'Thu Feb 29 10:11:12 2024'",
            "'%F %T%z', '2024-02-29 10:11:12+01:00', 'Asia/Kolkata'",
            "'%Y', '2024'",
        ),
    ),
}
PARSED = [
    *(f"{name}({texts})" for name, all_texts in _PARSED.items() for texts in all_texts),
    *(f"safe.{name}({texts})" for name, all_texts in _PARSED.items() for texts in all_texts),
    *(
        "parse_date('%Y-%m-%d', cast(null as string))",
        "parse_date('%F', cast({d} as string))",
        "parse_timestamp('%F %T', substr(cast({t} as string), 1, 19))",
    ),
    *("parse_date({s}, {w})", "parse_timestamp({s}, {w})"),
]
FAMILIES = {
    "truncation": TRUNC,
    "differences": DIFF,
    "addition": ADD,
    "parts": EXTRACT,
    "making times": MAKE,
    "formatting": FORMATTED,
    "parsing": PARSED,
}
