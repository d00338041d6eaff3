"""The edge values of each type, as GoogleSQL literals, by the letter that templates name them with."""

POOLS: dict[str, tuple[str, ...]] = {
    # INT64
    "i": (
        *("cast(null as int64)", "0", "1", "-1", "2", "7", "-7", "100", "-2147483648", "2147483647", "3000000000"),
        *("9223372036854775807", "-9223372036854775808", "-15", "64"),
    ),
    # small INT64: places, counts, lengths
    "k": ("cast(null as int64)", "0", "1", "-1", "2", "3", "-3", "5", "40"),
    # INT64 that is not null and at least 0
    "c": ("0", "1", "2", "5", "63"),
    "f": (
        *("cast(null as float64)", "0.0", "-0.0", "1.5", "2.5", "-2.5", "0.1", "-0.5", "1e15", "123456.789", "-7.25"),
        *("cast('nan' as float64)", "cast('inf' as float64)", "cast('-inf' as float64)", "1e308", "1e-308", "3.0"),
    ),
    "n": (
        *("cast(null as numeric)", "numeric '0'", "numeric '1.5'", "numeric '-2.5'", "numeric '0.000000001'"),
        *("numeric '99999999999999999999999999999.999999999'", "numeric '-99999999999999999999999999999.999999999'"),
        *("numeric '123.456789'", "numeric '3'", "numeric '-0.5'"),
    ),
    "g": (
        *("cast(null as bignumeric)", "bignumeric '0'", "bignumeric '1.5'", "bignumeric '-2.5'"),
        *("bignumeric '123.456789'", "bignumeric '0.00000000000000000000000000000000000001'"),
    ),
    "b": ("cast(null as bool)", "true", "false"),
    "s": (
        *("cast(null as string)", "''", "'a'", "'abc'", "'ABC'", "'héllo wörld'", "'ß'", "'😀x'", "' a b '", "'aXbXc'"),
        *("'a%b_c'", r"'it\'s'", r"'line\nbreak\ttab'", "'0123456789'", "'aaa'", r"'back\\slash'", "'é'"),
    ),
    # texts that may be found in those of `s`
    "w": ("cast(null as string)", "''", "'a'", "'b'", "'X'", "'ö'", "' '", "'aa'", "'😀'", r"'\\'", "'%'"),
    "y": ("cast(null as bytes)", "b''", "b'abc'", r"b'\x00\xff'", "b'aXbX'", r"b'\xc3\xa9'", "b'ABC'"),
    "v": ("cast(null as bytes)", "b''", "b'a'", "b'X'", r"b'\xff'"),
    "d": (
        *("cast(null as date)", "date '2024-02-29'", "date '2023-01-01'", "date '0001-01-01'", "date '9999-12-31'"),
        *("date '1969-12-31'", "date '2020-12-31'", "date '2021-01-03'", "date '2026-11-26'", "date '2016-01-02'"),
        *("date '1900-02-28'", "date '2024-03-31'"),
    ),
    "t": (
        *("cast(null as datetime)", "datetime '2024-02-29 23:59:59.999999'", "datetime '0001-01-01 00:00:00'"),
        *(
            "datetime '9999-12-31 23:59:59.999999'",
            "datetime '1969-12-31 23:59:59.5'",
            "datetime '2021-01-03 12:00:00'",
        ),
        *("datetime '2024-03-31 02:30:00'", "datetime '2020-12-31 00:00:00'", "datetime '2026-11-26 07:08:09.000001'"),
    ),
    "m": (
        *("cast(null as time)", "time '00:00:00'", "time '23:59:59.999999'", "time '12:34:56.789'", "time '07:08:09'"),
        *("time '12:00:00'", "time '00:30:00'"),
    ),
    "p": (
        *("cast(null as timestamp)", "timestamp '2024-02-29 23:59:59.999999+00'", "timestamp '0001-01-01 00:00:00+00'"),
        *("timestamp '9999-12-31 23:59:59.999999+00'", "timestamp '1969-12-31 23:59:59.5+00'"),
        *(
            "timestamp '2024-03-31 01:30:00+00'",
            "timestamp '2024-11-03 06:30:00+00'",
            "timestamp '2021-01-03 12:00:00+00'",
        ),
        *("timestamp '2026-11-26 07:08:09.000001+00'", "timestamp '2020-12-31 23:00:00-05:30'"),
    ),
    "z": ("'UTC'", "'America/New_York'", "'Europe/Berlin'", "'Asia/Kolkata'", "'+05:45'", "'-08'"),
    "j": (
        *("cast(null as json)", "json 'null'", "json '1'", "json '-1.5'", "json '\"a\"'", "json 'true'", "json '[]'"),
        *("json '{}'", 'json \'[1, "x", null, {"a": 2}]\'', 'json \'{"a": {"b": [10, 20]}, "c": "é", "d": null}\''),
        *('json \'{"a": "text", "b": 1.0, "c.d": false}\'', "json '\"12\"'", "json '1.0'"),
    ),
    # JSON as text
    "J": (
        *("cast(null as string)", "'null'", "'1'", "'\"a\"'", '\'[1, "x", null, {"a": 2}]\'', "'not json'", "''"),
        *('\'{"a": {"b": [10, 20]}, "c": "é", "d": null}\'', '\'{"a": "text", "b": 1.0}\''),
    ),
    # arrays
    "I": ("[1, 2, 3]", "cast([] as array<int64>)", "[5]", "[-1, 9223372036854775807]", "[3, 1, 2, 3]"),
    "S": ("['a', 'b', 'c']", "cast([] as array<string>)", "['é', '', 'x']", "['b', 'a', 'b']"),
    "F": ("[1.5, 2.5]", "cast([] as array<float64>)", "[0.1, -0.0, 3.0]"),
}

TYPES = {
    **{"i": "int64", "k": "int64", "c": "int64", "f": "float64", "n": "numeric", "g": "bignumeric", "b": "bool"},
    **{"s": "string", "w": "string", "y": "bytes", "v": "bytes", "d": "date", "t": "datetime", "m": "time"},
    **{"p": "timestamp", "z": "string", "j": "json", "J": "string"},
}
