"""Aggregates and windows over small sets, arrays, structures and JSON."""

# Each set with the columns x (the values), n (INT64, an order) and g (a group).
_SETS = {
    "i": ("1, 2, 3, 4", "null, 5, null, 5", "9223372036854775807, 1, 0, -1", "-3, -3, 7, null", "2, 4, 4, 4"),
    "f": (
        "1.5, 2.5, -2.5, 0.1",
        "null, 0.0, -0.0, 1e15",
        "cast('nan' as float64), 1.0, null, 2.0",
        "cast('inf' as float64), 1.0, 2.0, 3.5",
    ),
    "n": (
        "numeric '1.5', numeric '2.25', null, numeric '-0.000000001'",
        "numeric '1', numeric '2', numeric '2', numeric '5'",
    ),
    "s": ("'a', 'b', null, 'B'", "'', 'é', 'a', 'a'", "'x', 'y', 'x', 'z'"),
    "b": ("true, false, null, true", "true, true, true, true", "false, null, false, false"),
    "d": ("date '2024-02-29', null, date '0001-01-01', date '2024-03-01'",),
    "p": (
        "timestamp '2024-02-29 10:00:00+00', null, timestamp '1969-12-31 23:59:59.5+00', timestamp '2024-02-29 10:00:00+00'",
    ),
    "y": (r"b'a', b'\xff', null, b''",),
}
_EMPTY = {
    "i": "int64",
    "f": "float64",
    "n": "numeric",
    "s": "string",
    "b": "bool",
    "d": "date",
    "p": "timestamp",
    "y": "bytes",
}


def _rows(letter: str) -> list[str]:
    made = []
    for values in _SETS[letter]:
        cells = values.split(", ")
        first = cells[0] if cells[0] != "null" else f"cast(null as {_EMPTY[letter]})"
        rows = [f"select {first} as x, 0 as n, 'p' as g"]
        rows += [f"select {cell}, {number}, '{'pq'[number % 2]}'" for number, cell in enumerate(cells[1:], 1)]
        made.append("(" + " union all ".join(rows) + ")")
    nothing = f"(select cast(null as {_EMPTY[letter]}) as x, 0 as n, 'p' as g)"
    if letter == "n":  # refusals by type wait for a row: the page says so
        return [*made, nothing]
    return [*made, nothing, f"(select * from {nothing} where x is not null)"]


def _over(letter: str, *expressions: str) -> list[str]:
    return [f"(select {expression} from {rows})" for expression in expressions for rows in _rows(letter)]


def _each(letters: str, *expressions: str) -> list[str]:
    return [sql for letter in letters for sql in _over(letter, *expressions)]


AGGREGATES = [
    *_each("ifnsbdpy", "count(x)", "count(distinct x)", "count(*)", "min(x)", "max(x)"),
    *_each("ifn", "sum(x)", "avg(x)", "sum(distinct x)", "avg(distinct x)", "sum(if(n > 0, x, 0))"),
    *_each("ifn", "stddev(x)", "stddev_samp(x)", "stddev_pop(x)", "variance(x)", "var_samp(x)", "var_pop(x)"),
    *_each("fi", "corr(x, n)", "covar_pop(x, n)", "covar_samp(x, n)"),
    *_each("b", "logical_and(x)", "logical_or(x)", "countif(x)", "countif(not x)", "sum(cast(x as int64))"),
    *_each("i", "bit_and(x)", "bit_or(x)", "bit_xor(x)", "countif(x > 2)", "countif(distinct x > 2)"),
    *_each(
        "ifsdp",
        "any_value(x having max n)",
        "any_value(x having min n)",
        "max_by(x, n)",
        "min_by(x, n)",
        "any_value(n having max x)",
    ),
    *_each("is", "any_value(x having max if(x is null, null, n))", "max_by(n, x)", "min_by(n, x)"),
    *_each(
        "ifnsdpb",
        "array_agg(x ignore nulls order by n)",
        "array_agg(x ignore nulls order by x, n desc)",
        "array_agg(x ignore nulls order by n desc limit 2)",
    ),
    *_each(
        "is",
        "array_agg(distinct x ignore nulls order by x)",
        "array_agg(x ignore nulls order by n limit 1)[safe_offset(0)]",
    ),
    *_each("is", "array_length(array_agg(distinct x ignore nulls))", "min(x) is null"),
    *_each(
        "is",
        "array_agg(struct(x, n) order by n desc limit 1)[offset(0)].n",
        "array_agg(struct(x as a, n as b) order by n limit 1)[offset(0)]",
    ),
    *_each(
        "s",
        "string_agg(x order by n)",
        "string_agg(x, '; ' order by n desc)",
        "string_agg(distinct x, ',' order by x)",
        "string_agg(x, '' order by n)",
        "string_agg(x, ',' order by n limit 2)",
    ),
    *_each("y", "string_agg(x, b',' order by n)", "array_agg(x ignore nulls order by n)"),
    *_each(
        "i", "approx_count_distinct(x)", "approx_quantiles(x, 2)", "approx_top_count(x, 1)", "approx_top_sum(x, n, 1)"
    ),
    *_each(
        "i",
        "array_concat_agg([x] order by n)",
        "array_concat_agg(if(x is null, null, [x]) order by n)",
        "hll_count.extract(hll_count.init(x))",
    ),
    *_each("ifs", "to_json_string(array_agg(x ignore nulls order by n))"),
]
_GROUPED = (
    *("count(*)", "sum(x)", "max(x)", "avg(x)", "countif(x > 2)", "array_agg(x ignore nulls order by n)", "min(n)"),
)
GROUPING = [
    *(
        f"array(select as struct g, {item} as v from {rows} group by g order by g)"
        for item in _GROUPED
        for rows in _rows("i")
    ),
    *(
        f"array(select as struct x, count(*) as c from {rows} group by x order by x nulls first)"
        for letter in "ifnsbdp"
        for rows in _rows(letter)
    ),
    *(
        f"array(select distinct x from {rows} where x is not null order by x)"
        for letter in "ifnsdp"
        for rows in _rows(letter)
    ),
    *(
        f"array(select x from {rows} where x is not null order by x desc, n)"
        for letter in "ifnsbdpy"
        for rows in _rows(letter)
    ),
    *(
        f"array(select n from {rows} order by x {how}, n)"
        for letter in "ifs"
        for how in ("", "desc", "asc nulls last", "desc nulls first")
        for rows in _rows(letter)
    ),
    *(
        f"array(select as struct g, sum(n) as s from {rows} group by {how} order by g nulls first)"
        for how in ("rollup(g)", "all", "1", "grouping sets (g, ())", "cube(g)")
        for rows in _rows("i")
    ),
    *(f"array(select g from {rows} group by g having sum(n) > 1 order by g)" for rows in _rows("i")),
    *(
        f"array(select x from {rows} where true qualify row_number() over (partition by g order by n desc) = 1 order by n)"
        for rows in _rows("i")[:1]
    ),
    *(
        f"array(select n from {rows} {how})"
        for how in ("order by n limit 2", "order by n desc limit 1 offset 1", "where n > 100")
        for rows in _rows("i")
    ),
    *(
        f"(select count(*) from (select * from {rows} {how} {rows}))"
        for how in (
            "union all select * from",
            "union distinct select * from",
            "except distinct select * from",
            "intersect distinct select * from",
            "cross join",
        )
        for rows in _rows("i")
    ),
    *(
        f"(select sum(a.n * 10 + coalesce(b.n, -1)) from {rows} a {how} join {rows} b on a.x = b.n)"
        for how in ("", "left", "right", "full", "inner")
        for rows in _rows("i")
    ),
    *(
        f"(select count(*) from {rows} a join {rows} b using ({column}))"
        for column in "xg"
        for letter in "is"
        for rows in _rows(letter)
    ),
    *(f"(select x from {rows} where n = 0)" for letter in "isd" for rows in _rows(letter)[:2]),
    *(f"exists(select 1 from {rows} where n > 1)" for rows in _rows("i")),
    *(f"(select 1 in (select x from {rows}))" for rows in _rows("i")),
    *(f"(select 1 not in (select x from {rows}))" for rows in _rows("i")),
    "(with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select sum(n) from r)",
    "(select sum(v) from (select 1 as a, 2 as b) unpivot(v for k in (a, b)))",
    "(select p from (select 1 as v, 'p' as k) pivot(sum(v) for k in ('p', 'q')))",
    "(select count(*) from (select 1 as a) tablesample system (100 percent))",
]
_WINDOWS = (
    *(
        "row_number() over (order by n)",
        "rank() over (order by x)",
        "dense_rank() over (order by x)",
        "percent_rank() over (order by x)",
    ),
    *("cume_dist() over (order by x)", "ntile(3) over (order by n)", "ntile(2) over (order by n desc)"),
    *(
        "lag(x) over (order by n)",
        "lead(x) over (order by n)",
        "lag(x, 2) over (order by n)",
        "lead(x, 1) over (partition by g order by n)",
    ),
    *(
        "first_value(x) over (order by n)",
        "last_value(x) over (order by n)",
        "first_value(x ignore nulls) over (order by n)",
    ),
    *(
        "last_value(x ignore nulls) over (order by n rows between unbounded preceding and current row)",
        "nth_value(x, 2) over (order by n)",
    ),
    *(
        "last_value(x respect nulls) over (order by n)",
        "lag(x ignore nulls) over (order by n)",
        "lag(x, 0) over (order by n)",
    ),
    *(
        "count(x) over (partition by g)",
        "count(*) over ()",
        "min(x) over (order by n)",
        "max(x) over (partition by g order by n rows 1 preceding)",
    ),
    *(
        "max(x) over (order by n rows between 1 preceding and 1 following)",
        "count(*) over (order by n range between 1 preceding and current row)",
    ),
    *(
        "first_value(x) over (order by n rows between unbounded preceding and unbounded following)",
        "countif(n > 1) over (order by n)",
    ),
    *(
        "array_length(array_agg(x ignore nulls) over (order by n))",
        "count(distinct x) over (partition by g)",
    ),
)
_NUMBERS = (
    *(
        "sum(x) over (order by n)",
        "avg(x) over (partition by g)",
        "sum(x) over (partition by g order by n rows between unbounded preceding and current row)",
    ),
    *(
        "stddev(x) over ()",
        "sum(x) over ()",
        "percentile_cont(x, 0.5) over ()",
        "percentile_cont(x, 0.9) over (partition by g)",
        "percentile_disc(x, 0.5) over ()",
    ),
    *(
        "percentile_disc(x, 0.9) over (partition by g)",
        "percentile_cont(x, 0) over ()",
        "percentile_cont(x, 1) over ()",
        "percentile_cont(x, 0.5 respect nulls) over ()",
    ),
    *(
        "lag(x, 1, 0) over (order by n)",
        "percentile_disc(x, 0) over ()",
        "percentile_disc(x, 1) over ()",
        "percentile_cont(x, 0.25) over ()",
    ),
)
WINDOWS = [
    *(
        f"array(select as struct n, {item} as v from {rows} order by n)"
        for item in _WINDOWS
        for letter in "ifsdp"
        for rows in _rows(letter)
    ),
    *(
        f"array(select as struct n, {item} as v from {rows} order by n)"
        for item in _NUMBERS
        for letter in "ifn"
        for rows in _rows(letter)
    ),
    *(f"array(select as struct n, logical_or(x) over (order by n) as v from {rows} order by n)" for rows in _rows("b")),
    *(
        f"array(select as struct n, string_agg(x, ',') over (order by n) as v from {rows} order by n)"
        for rows in _rows("s")
    ),
    *(
        f"array(select as struct n, sum(n) over w as v from {rows} window w as (partition by g order by n) order by n)"
        for rows in _rows("i")
    ),
]
ARRAYS = [
    *("safe_cast({I} as array<int64>)", "safe_cast({S} as array<string>)", "cast({I} as array<int64>)"),
    *("safe_cast([struct(1 as a)] as array<struct<a int64>>)", "safe_cast(struct(1 as a) as struct<a int64>)"),
    *(f"array_length({{{a}}})" for a in "ISF"),
    *(f"{{{a}}}[offset(0)]" for a in "ISF"),
    *(f"{{{a}}}[safe_offset({{k}})]" for a in "ISF"),
    *(f"{{{a}}}[safe_ordinal({{k}})]" for a in "IS"),
    *(
        "{I}[offset({k})]",
        "{I}[ordinal({k})]",
        "{S}[ordinal(1)]",
        "{I}[0]",
        "{S}[offset(2)]",
        "array_length(cast(null as array<int64>))",
    ),
    *(f"array_reverse({{{a}}})" for a in "ISF"),
    *(
        "array_concat({I}, {I2})",
        "array_concat({S}, {S2})",
        "array_concat({I}, cast(null as array<int64>))",
        "array_concat({I})",
    ),
    *(
        "generate_array({k}, {k2})",
        "generate_array(1, 10, 3)",
        "generate_array(10, 1, -4)",
        "generate_array(1, 5, 0)",
        "generate_array(0.5, 2.5, 0.5)",
        "generate_array(5, 1)",
    ),
    *(
        "generate_array(numeric '1', numeric '2', numeric '0.5')",
        "array_first({I})",
        "array_last({S})",
        "array_slice({I}, 0, 1)",
        "array_is_distinct({I})",
        "array_is_distinct({S})",
    ),
    *(
        "array(select x from unnest({I}) as x where x > 1 order by x)",
        "array(select x * 2 from unnest({I}) as x with offset as o where x < 100 order by o)",
    ),
    *(
        "array(select as struct x, o from unnest({S}) as x with offset as o order by o)",
        "(select sum(x) from unnest({I}) as x where x < 100)",
        "(select count(*) from unnest({S}))",
    ),
    *(
        "(select string_agg(x, '-' order by o) from unnest({S}) as x with offset o)",
        "(select max(x) from unnest({F}) as x)",
        "(select any_value(x having max x) from unnest({I}) as x)",
    ),
    *(
        "(select any_value(x having max o) from unnest({S}) as x with offset o)",
        "(select max(x) from unnest({S}) x)",
        "(select min(o) from unnest({S}) x with offset o where x = 'b')",
    ),
    *(
        "(select count(*) from unnest(cast(null as array<int64>)))",
        "array(select x from unnest({S}) as x union all select 'q' order by 1)",
        "(select approx_quantiles(x, 2) from unnest({I}) as x)",
    ),
    *(
        "struct(1 as a, 'x' as b)",
        "struct({i} as a, {s} as b).a",
        "struct({i}, {s})",
        "struct<a int64, b string>({i}, {s}).b",
        "(select s.a from (select struct({i} as a) as s))",
    ),
    *(
        "struct({i} as a) = struct({i2} as a)",
        "({i}, {s}) = ({i2}, {s})",
        "array(select as struct 1 as a, [1, 2] as b)",
        "struct([1] as a)",
    ),
    *(
        "(select sum(s.a) from unnest([struct(1 as a, 'x' as b), struct(2, 'y')]) as s)",
        "(select string_agg(b order by a) from unnest([struct(1 as a, 'x' as b), struct(2, 'y')]))",
    ),
    *(
        "array(select x from unnest([1, 2, 3, 4]) as x where mod(x, 2) = 0 order by x desc)",
        "{I}[safe_offset(0)] + 1",
        "array<int64>[1, 2]",
    ),
    *(
        "array(select distinct x from unnest({I}) as x order by x)",
        "exists(select 1 from unnest({S}) as x where x = 'b')",
        "(select logical_or(x > 2) from unnest({I}) as x)",
    ),
]
_PATHS = (
    "'$'",
    "'$.a'",
    "'$.a.b'",
    "'$.a.b[1]'",
    "'$.c'",
    "'$[1]'",
    "'$[3].a'",
    "'$.d'",
    "\"$.'c.d'\"",
    "'$.\"c.d\"'",
    "'$.x.y'",
    "'$..a'",
    "'a'",
    "'$[*]'",
)
JSON = [
    *("safe_cast(null as json)", "cast(null as json)", "safe_cast({j} as json)"),
    *(
        f"to_json_string(parse_json('{number}'))"
        for number in ("33.333333333333336", "0.30000000000000004", "1e20", "1E-7", "1e15", "-0.0", "9007199254740993")
    ),
    'to_json_string(parse_json(\'{"b": 1.5, "a": [1, null, "é"]}\'))',
    *(
        f"{name}({{{a}}}, {path})"
        for name in ("json_value", "json_query", "json_extract", "json_extract_scalar")
        for a in "jJ"
        for path in _PATHS
    ),
    *(
        f"{name}({{{a}}}, {path})"
        for name in ("json_query_array", "json_value_array", "json_extract_array", "json_extract_string_array")
        for a in "jJ"
        for path in ("'$'", "'$.a'", "'$.a.b'", "'$.c'")
    ),
    *(
        f"{name}({{{a}}})"
        for name in ("json_value", "json_query", "json_query_array", "json_value_array", "json_extract_array")
        for a in "jJ"
    ),
    *(f"to_json_string({{{a}}})" for a in "ifngbsydtmpjIS"),
    *(f"to_json({{{a}}})" for a in "ifnbsdtpIS"),
    *(f"to_json_string(to_json({{{a}}}))" for a in "ifbsdpI"),
    *(
        "to_json_string({j}, true)",
        "to_json_string(struct({i} as a, {s} as b))",
        "to_json_string(struct({d} as a, [1, 2] as b, struct({b} as c) as d))",
        "to_json(struct({i} as a, {s} as b))",
    ),
    *(
        "parse_json({J})",
        "safe.parse_json({J})",
        "to_json_string(parse_json({J}))",
        "parse_json('1.00')",
        'parse_json(\'{"b": 1, "a": 2}\')',
        "parse_json('1e400')",
        "parse_json('12345678901234567890123', wide_number_mode=>'round')",
    ),
    *(
        "json_type({j})",
        "json_keys({j})",
        "json_strip_nulls({j})",
        "json_array({i}, {s})",
        "json_object('a', {i}, 'b', {s})",
        "json_set({j}, '$.a', 1)",
        "json_remove({j}, '$.a')",
    ),
    *(
        "json_array_append({j}, '$.a', 1)",
        "json_array_insert({j}, '$[0]', 1)",
        "int64({j})",
        "float64({j})",
        "bool({j})",
        "string({j})",
        "lax_int64({j})",
        "lax_float64({j})",
        "lax_bool({j})",
        "lax_string({j})",
    ),
    *(
        "safe.int64({j})",
        "safe.string({j})",
        "safe.bool({j})",
        "safe.float64({j})",
        "{j}.a",
        "{j}.a.b",
        "{j}['a']",
        "{j}[0]",
        "string({j}.c)",
        "int64({j}.a.b[0])",
        "json_value({j}.a)",
    ),
    *(
        "cast(json_value({j}, '$.a.b[0]') as int64)",
        "safe_cast(json_value({J}, '$.b') as float64)",
        "array_length(json_query_array({j}, '$.a.b'))",
        "(select count(*) from unnest(json_query_array({j})))",
    ),
    *(
        "array(select json_value(e, '$.a') from unnest(json_query_array({j})) as e where json_value(e, '$.a') is not null)",
        "string(json_query({j}, '$.c'))",
        "bool(json_query({j}, '$.\"c.d\"'))",
    ),
    *("json_flatten({j})", "json_query({j}, {w})", "json_value({J}, {w})"),
]
FAMILIES = {"aggregates": AGGREGATES, "grouping": GROUPING, "windows": WINDOWS, "arrays": ARRAYS, "JSON": JSON}
