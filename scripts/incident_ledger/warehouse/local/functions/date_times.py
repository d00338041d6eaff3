"""Dates and times as DuckDB's macros: one for all types, since which type an argument has is known only to DuckDB.

`typeof` is known when a statement is prepared, so that each macro costs what its one branch costs; `cast_to_type`
gives the type of the argument back. DATE is DuckDB's DATE, DATETIME its TIMESTAMP, TIMESTAMP its TIMESTAMPTZ in UTC.
Which macro serves a part is chosen in `spelling`; `k` is the first day of the week (0 is Sunday), `u` a length in
microseconds.
"""

_FIRST, _LAST = "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'"
_NO_CLOCK = "CASE WHEN typeof(x) = 'DATE' THEN il_error('A DATE has no such part', x) ELSE {} END"
_ZONED = "typeof(x) = 'TIMESTAMP WITH TIME ZONE'"
_DAY = 86_400_000_000


def _clock_only(body: str) -> str:
    return _NO_CLOCK.format(body)


ERRORS = {
    # A text that is no BOOLEAN: DuckDB's own `error` cannot stand in what SAFE may catch, and what is
    # constant would be converted before any row asks for it.
    "il_error(words, x)": "CASE WHEN CAST(words || substr(coalesce(CAST(x AS VARCHAR), ''), 1, 0) AS BOOLEAN) "
    "THEN NULL END",
}
# In order: each one uses what stands before it.
MACROS = {
    "il_instant(x)": "CAST(x AS TIMESTAMP)",
    "il_us(x)": "epoch_us(CAST(x AS TIMESTAMP))",
    "il_time_us(x)": "epoch_us(DATE '1970-01-01' + x)",
    "il_in_range(t)": f"CASE WHEN t < {_FIRST} OR t > {_LAST} THEN il_error('Date or time out of range', t) ELSE t END",
    "il_floor_div(a, b)": "(a - ((a % b) + b) % b) // b",
    "il_whole_div(a, b)": "(a - a % b) // b",
    "il_week_start(d, k)": "CAST(d AS DATE) - CAST((dayofweek(d) - k + 7) % 7 AS INTEGER)",
    "il_first_of_isoyear(y)": "make_date(y, 1, 4) - CAST(isodow(make_date(y, 1, 4)) - 1 AS INTEGER)",
    # Truncation
    "il_trunc_unit(x, part)": "cast_to_type(date_trunc(part, il_instant(x)), x)",
    "il_trunc_clock(x, u)": _clock_only("cast_to_type(il_instant(x) - to_microseconds(((il_us(x) % u) + u) % u), x)"),
    "il_trunc_week(x, k)": "cast_to_type(il_in_range(CAST(il_week_start(il_instant(x), k) AS TIMESTAMP)), x)",
    "il_trunc_isoyear(x)": (
        "cast_to_type(il_in_range(CAST(il_first_of_isoyear(isoyear(il_instant(x))) AS TIMESTAMP)), x)"
    ),
    "il_time_trunc(x, u)": "CAST(TIME '00:00:00' + to_microseconds(il_time_us(x) - il_time_us(x) % u) AS TIME)",
    "il_last_day_unit(x, part, months)": (
        "CAST(CAST(date_trunc(part, il_instant(x)) AS DATE) + to_months(months) AS DATE) - 1"
    ),
    "il_last_day_week(x, k)": (
        "CAST(il_in_range(CAST(il_week_start(il_instant(x), k) AS TIMESTAMP) + to_days(6)) AS DATE)"
    ),
    "il_last_day_isoyear(x)": (
        "CAST(il_in_range(CAST(il_first_of_isoyear(isoyear(il_instant(x)) + 1) AS TIMESTAMP) - to_days(1)) AS DATE)"
    ),
    # Differences: of dates and date-times by the boundaries between them, of timestamps by whole units
    "il_diff_unit(x, y, part)": (
        f"CASE WHEN {_ZONED} THEN il_error('Timestamps have no such part', x) "
        "ELSE date_diff(part, il_instant(y), il_instant(x)) END"
    ),
    "il_diff_day(x, y)": (
        f"CASE WHEN {_ZONED} THEN il_whole_div(il_us(x) - il_us(y), {_DAY}) "
        "ELSE date_diff('day', il_instant(y), il_instant(x)) END"
    ),
    "il_diff_clock(x, y, u)": _clock_only(
        f"CASE WHEN {_ZONED} THEN il_whole_div(il_us(x) - il_us(y), u) "
        "ELSE il_floor_div(il_us(x), u) - il_floor_div(il_us(y), u) END"
    ),
    "il_diff_week(x, y, k)": (
        f"CASE WHEN {_ZONED} THEN il_error('Timestamps have no such part', x) "
        "ELSE CAST((il_week_start(il_instant(x), k) - il_week_start(il_instant(y), k)) // 7 AS BIGINT) END"
    ),
    "il_diff_isoyear(x, y)": (
        f"CASE WHEN {_ZONED} THEN il_error('Timestamps have no such part', x) "
        "ELSE CAST(isoyear(il_instant(x)) - isoyear(il_instant(y)) AS BIGINT) END"
    ),
    "il_time_diff(x, y, u)": "il_floor_div(il_time_us(x), u) - il_floor_div(il_time_us(y), u)",
    # Addition; `n` is INT64
    "il_no_timestamp(x)": f"CASE WHEN {_ZONED} THEN il_error('Timestamps have no such part', x) ELSE x END",
    "il_no_time(x)": (
        "CASE WHEN typeof(x) IN ('DATE', 'TIMESTAMP', 'TIME', 'TIMESTAMP WITH TIME ZONE') "
        "THEN il_refuse('an INTERVAL as the difference of times', x) ELSE x END"
    ),
    "il_add_days(x, n)": "cast_to_type(il_in_range(il_instant(x) + to_days(CAST(n AS INTEGER))), x)",
    "il_add_months(x, n)": (
        f"CASE WHEN {_ZONED} THEN il_error('Timestamps have no such part', x) "
        "ELSE cast_to_type(il_in_range(il_instant(x) + to_months(CAST(n AS INTEGER))), x) END"
    ),
    "il_add_clock(x, n, u)": _clock_only(
        "cast_to_type(il_in_range(il_instant(x) + to_microseconds(CAST(n AS BIGINT) * u)), x)"
    ),
    "il_time_add(x, n, u)": "CAST(x + to_microseconds(((CAST(n AS BIGINT) * u) % 86400000000)) AS TIME)",
    # Parts
    "il_extract_unit(x, part)": "CAST(date_part(part, il_instant(x)) AS BIGINT)",
    "il_extract_dayofweek(x)": "CAST(dayofweek(il_instant(x)) + 1 AS BIGINT)",
    "il_extract_week(x, k)": (
        "CAST((dayofyear(il_instant(x)) + 6 - (dayofweek(il_instant(x)) - k + 7) % 7) // 7 AS BIGINT)"
    ),
    "il_extract_clock(x, u, n)": _clock_only(
        "CASE WHEN typeof(x) = 'TIME' THEN epoch_us(CAST('1970-01-01 ' || CAST(x AS VARCHAR) AS TIMESTAMP)) // u % n "
        "ELSE ((il_us(x) % 86400000000) + 86400000000) % 86400000000 // u % n END"
    ),
    "il_extract_date(x)": "CAST(il_instant(x) AS DATE)",
    "il_extract_time(x)": "CAST(il_instant(x) AS TIME)",
    "il_extract_datetime(x)": f"CASE WHEN {_ZONED} THEN il_instant(x) ELSE il_error('A DATETIME has no such "
    f"part', x) END",
    # Zones
    "il_some(value, given, words)": "CASE WHEN value IS NULL AND given IS NOT NULL THEN il_error(words, given) "
    "ELSE value END",
    "il_local(x, z)": (
        "make_timestamp(il_some(il_local_us(epoch_us(CAST(x AS TIMESTAMPTZ)), z), x || z, 'Invalid time zone: ' || z))"
    ),
    "il_clock_of_text(x)": (
        "CASE WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}"
        "(\\.[0-9]{0,6})?)?') THEN CAST(x AS TIMESTAMP) WHEN x IS NOT NULL THEN il_error('Invalid timestamp: ' "
        "|| x, x) END"
    ),
    "il_from_local(t, z)": (
        "CAST(make_timestamp(il_some(il_instant_us(il_us(t), z), t || z, 'Invalid time zone: ' || z)) AS TIMESTAMPTZ)"
    ),
    # Making one of the other
    "il_date(x)": "CAST(il_instant(x) AS DATE)",
    "il_date_at(x, z)": "CAST(il_local(x, z) AS DATE)",
    "il_datetime(x)": "il_instant(x)",
    "il_datetime_at(x, z)": "il_in_range(il_local(x, z))",
    "il_unix_seconds(x)": "il_floor_div(il_us(x), 1000000)",
    "il_time_of(x)": "CAST(il_instant(x) AS TIME)",
    "il_time_at(x, z)": "CAST(il_local(x, z) AS TIME)",
    "il_timestamp_at(x, z)": (
        "il_from_local(CASE WHEN typeof(x) = 'VARCHAR' THEN il_clock_of_text(CAST(x AS VARCHAR)) ELSE "
        "il_instant(x) END, z)"
    ),
    "il_current_datetime()": "CAST(current_timestamp AS TIMESTAMP)",
    "il_current_datetime_at(z)": "il_local(current_timestamp, z)",
}
