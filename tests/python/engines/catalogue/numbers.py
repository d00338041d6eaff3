"""Arithmetic, mathematics, bits, comparison, conditions and conversion."""

import re

_ALL = "ifngbsydtmp"
_NUMERIC = "ifng"

OPERATORS = [
    *(f"{{{a}}} {op} {{{a}2}}" for a in _NUMERIC for op in ("+", "-", "*", "/")),
    *(f"{{i}} {op} {{{b}}}" for b in "fng" for op in ("+", "-", "*", "/")),
    *(f"{{n}} {op} {{f}}" for op in ("+", "-", "*", "/")),
    *(f"-({{{a}}})" for a in _NUMERIC),
    *(f"{{{a}}} {op} {{{a}2}}" for a in _ALL for op in ("=", "!=", "<", "<=", ">", ">=")),
    *(f"{{i}} {op} {{{b}}}" for b in "fn" for op in ("=", "<", ">=")),
    *(f"{{{a}}} between {{{a}2}} and {{{a}3}}" for a in "ifnsdp"),
    *(f"{{{a}}} in ({{{a}2}}, {{{a}3}})" for a in "ifnsdpy"),
    *(f"{{{a}}} not in ({{{a}2}}, {{{a}3}})" for a in "is"),
    *(f"{{{a}}} is not distinct from {{{a}2}}" for a in _ALL),
    *(f"{{{a}}} is distinct from {{{a}2}}" for a in "ifs"),
    *(f"{{{a}}} is null" for a in _ALL + "j"),
    *(f"{{{a}}} is not null" for a in "isj"),
    *("{b} is true", "{b} is not true", "{b} is false", "{b} is not false"),
    *("{b} and {b2}", "{b} or {b2}", "not {b}"),
    *("{i} & {i2}", "{i} | {i2}", "{i} ^ {i2}", "~{i}", "{i} << {c}", "{i} >> {c}"),
    *("{i} in unnest({I})", "{s} in unnest({S})", "{s} not in unnest({S})"),
    *("{s} || {w}", "{y} || {v}", "{I} || {I2}", "{S} || {S2}"),
    *("{s} like {w}", "{s} like '%b%'", "{s} like 'a_c'", r"{s} like 'a\\%b%'", "{s} not like 'a%'", "{s} like '%'"),
]
CONDITIONS = [
    *(f"if({{b}}, {{{a}}}, {{{a}2}})" for a in "ifnsdp"),
    *(f"ifnull({{{a}}}, {{{a}2}})" for a in "ifnsdpb"),
    *(f"nullif({{{a}}}, {{{a}2}})" for a in "ifnsd"),
    *(f"coalesce({{{a}}}, {{{a}2}}, {{{a}3}})" for a in "ifnsdp"),
    *("coalesce({i}, {f})", "ifnull({i}, {f})", "if({b}, {i}, {f})", "coalesce({i}, {n})"),
    *("case when {b} then {i} when {b2} then {i2} end", "case when {b} then {i} else {f} end"),
    *("case {i} when 1 then 'one' when {i2} then 'other' else 'none' end", "case {s} when 'a' then 1 end"),
    *(f"{name}({{{a}}}, {{{a}2}})" for name in ("greatest", "least") for a in "ifnsdtp"),
    *("greatest({i}, {f}, {n})", "least({i}, {f})", "greatest({i}, {i2}, {i3})"),
]
MATH = [
    *(f"{name}({{{a}}})" for name in ("abs", "sign") for a in _NUMERIC),
    *(f"{name}({{{a}}})" for name in ("round", "trunc", "ceil", "ceiling", "floor") for a in "ifn"),
    *(f"{name}({{{a}}}, {{k}})" for name in ("round", "trunc") for a in "fn"),
    *(f"{name}({{{a}}})" for name in ("sqrt", "exp", "ln", "log10") for a in "ifn"),
    *(
        "log({f})",
        "log({f}, {f2})",
        "log({n}, {n2})",
        "pow({f}, {f2})",
        "pow({i}, {k})",
        "pow({n}, {k})",
        "power({f}, 2)",
    ),
    *(f"{name}({{f}})" for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")),
    *(f"{name}({{f}})" for name in ("asinh", "acosh", "atanh", "cot", "coth", "csc", "sec", "csch", "sech", "cbrt")),
    *("atan2({f}, {f2})", "is_nan({f})", "is_inf({f})"),
    *("div({i}, {i2})", "mod({i}, {i2})", "mod({n}, {n2})", "div({n}, {n2})"),
    *(f"safe_divide({{{a}}}, {{{a}2}})" for a in "ifn"),
    *(f"ieee_divide({{{a}}}, {{{a}2}})" for a in "ifn"),
    *(f"{name}({{{a}}}, {{{a}2}})" for name in ("safe_add", "safe_subtract", "safe_multiply") for a in "ifn"),
    *(f"safe_negate({{{a}}})" for a in "ifn"),
    *("bit_count({i})", "range_bucket({i}, {I})", "div(7 + {k}, 2)", "mod({i} + 1, 5)"),
    *("safe.ln({f})", "safe.sqrt({f})", "safe.log({f}, {f2})", "safe.div({i}, {i2})", "safe.mod({i}, {i2})"),
    *("safe.pow({f}, {f2})", "safe.exp({f})", "safe.round({f}, {k})", "safe.abs({i})"),
]
_FROM = {
    "int64": "ifngbs",
    "float64": "ifngs",
    "numeric": "ifngs",
    "bignumeric": "ifngs",
    "bool": "ibs",
    "string": "ifngbsydtmp",
    "bytes": "sy",
    "date": "sdtp",
    "datetime": "sdtp",
    "time": "stmp",
    "timestamp": "sdtp",
}
_TEXTS = {
    "int64": "'12' ' 12' '12 ' '+12' '-12' '1.5' '1e3' '0x1F' '-0x1f' '' 'abc' '9223372036854775808' '1_000' '٣'",
    "float64": "'1.5' ' 1.5 ' '1e3' '.5' '5.' 'nan' 'NaN' 'inf' '+inf' '-Infinity' '' 'abc' '1e400' '0x10' '1,5' '1_0'",
    "numeric": "'1.5' ' 1.5' '1e3' '.5' '5.' '0.0000000005' '1e40' '' 'abc' '-1.1234567894' '1_0' 'nan'",
    "bool": "'true' 'TRUE' 'false' 'False' 't' 'yes' '1' '' ' true'",
    "date": "'2024-02-29' '2024-2-9' '2023-02-29' '2024-02-29 10:00:00' '10000-01-01' '' '20240229' '0001-01-01' '2024/02/29'",
    "datetime": "'2024-02-29 10:11:12' '2024-02-29T10:11:12.123456' '2024-02-29' '2024-2-9 1:2:3' '2024-02-29 24:00:00' ''"
    " '2024-02-29 10:11:12+01' '2024-02-29 10:11'",
    "time": "'10:11:12' '1:2:3' '10:11:12.123456' '24:00:00' '10:11' '' '23:59:60'",
    "timestamp": "'2024-02-29 10:11:12' '2024-02-29T10:11:12Z' '2024-02-29 10:11:12+01' '2024-02-29 10:11:12.5-05:30' '2024-02-29'"
    " '2024-03-31 02:30:00_Europe/Berlin' '' 'x' '2024-02-29 10:11:12UTC' '2024-13-01 00:00:00' '2024-02-29 10:11:12_UTC'",
    "bytes": r"'abc' 'é' ''",
}
_SPLIT = {kind: re.findall("'[^']*'", words) for kind, words in _TEXTS.items()}
CONVERSION = [
    *(
        f"{cast}({{{a}}} as {kind})"
        for kind, letters in _FROM.items()
        for a in letters
        for cast in ("cast", "safe_cast")
    ),
    *(
        f"{cast}({text} as {kind})"
        for kind, texts in _SPLIT.items()
        for text in texts
        for cast in ("cast", "safe_cast")
    ),
    *(f"(select safe_cast(x as {kind}) from (select {text} as x))" for kind, texts in _SPLIT.items() for text in texts),
    *("to_json_string({i})", "parse_numeric({s})", "parse_bignumeric({s})", "parse_numeric('1.5')"),
    *("cast(2.5 as int64)", "cast(-2.5 as int64)", "cast(0.5 as int64)", "cast(1.5 as int64)"),
    *("cast(cast(1.23456 as numeric) as float64)", "cast(123.456 as string)"),
    *(
        f"cast({text} as string)"
        for text in ("1e15", "1e16", "1e21", "1e22", "1e-5", "0.1", "1/3", "100.0", "1e5", "123456789.125")
    ),
]
FAMILIES = {"operators": OPERATORS, "conditions": CONDITIONS, "mathematics": MATH, "conversion": CONVERSION}
