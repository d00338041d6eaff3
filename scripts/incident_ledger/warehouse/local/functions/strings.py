"""Texts, arrays and JSON as DuckDB's macros."""

MACROS = {
    "il_instr(s, t, place, number)": (
        "il_some(il_instr_of(s, t, CAST(place AS BIGINT), CAST(number AS BIGINT)), "
        "s || t || place || number, 'INSTR begins at 1 or -1 and counts from 1')"
    ),
    "il_ascii_only(x)": "CASE WHEN unicode(x) > 127 THEN il_error('ASCII of a letter beyond ASCII', x) ELSE x END",
    **{
        f"il_{name}(x, n, pattern)": (
            "CASE WHEN x IS NULL OR n IS NULL OR pattern IS NULL THEN NULL "
            "WHEN pattern = '' THEN il_error('The pattern is empty', x) "
            f"ELSE {name}(x, CAST(il_natural(n) AS INTEGER), pattern) END"
        )
        for name in ("lpad", "rpad")
    },
    "il_unicode(x)": "CASE WHEN x = '' THEN 0 ELSE unicode(x) END",
    "il_first_place(place)": "CASE WHEN place = 0 THEN 1 ELSE CAST(place AS BIGINT) END",
    "il_unless_null(made, x)": "CASE WHEN x IS NULL THEN NULL ELSE made END",
    # Arrays
    "il_at(x, place)": (
        "CASE WHEN place < 0 OR place >= len(x) THEN il_error('Array index is out of bounds', x) ELSE x[place + 1] END"
    ),
    "il_at_or_null(x, place)": "CASE WHEN place < 0 THEN NULL ELSE x[place + 1] END",
    "il_array_concat(x, y)": "CASE WHEN x IS NULL OR y IS NULL THEN NULL ELSE list_concat(x, y) END",
    "il_first_of(x, n)": "x[1:n]",
    "il_step(n)": "CASE WHEN n = 0 THEN il_error('Sequence step cannot be 0', n) ELSE n END",
    # JSON
    "il_valid_json(x)": ("CASE WHEN typeof(x) = 'VARCHAR' AND NOT json_valid(CAST(x AS VARCHAR)) THEN NULL ELSE x END"),
    "il_parsable(x)": (
        "CASE WHEN regexp_matches(x, '[0-9][eE][+]?[0-9]{3}|[0-9]{16}') AND coalesce(il_has_wide_number(x), FALSE) "
        "THEN il_refuse('JSON with so large a number', x) ELSE x END"
    ),
    "il_given(x)": "CASE WHEN x IS NULL THEN il_refuse('the JSON of NULL', '') ELSE x END",
    "il_like(value, x)": (
        "CASE WHEN typeof(x) = 'VARCHAR' AND CAST(value AS VARCHAR) = 'null' THEN NULL ELSE cast_to_type(value, x) END"
    ),
    "il_scalars(texts, parts)": (
        "CASE WHEN len(list_filter(parts, lambda part: CAST(part AS VARCHAR)[1] IN ('{', '['))) > 0 "
        "THEN NULL ELSE texts END"
    ),
    "il_json_kind(name)": (
        "CASE WHEN lower(name) IN ('ubigint', 'bigint', 'double', 'hugeint') THEN 'number' "
        "WHEN lower(name) = 'varchar' THEN 'string' ELSE lower(name) END"
    ),
    "il_jsonable(x)": (
        "CASE WHEN regexp_matches(typeof(x), 'TIME|DECIMAL|BLOB') THEN il_refuse('the JSON of ' || typeof(x), x) "
        "WHEN typeof(x) = 'JSON' THEN CASE WHEN x IS NOT NULL AND il_json_text(CAST(x AS VARCHAR)) IS NULL "
        "THEN il_refuse('the text of this JSON', x) ELSE cast_to_type(il_json_text(CAST(x AS VARCHAR)), x) END "
        "WHEN NOT regexp_matches(typeof(x), '^VARCHAR(\\[\\])*$') AND regexp_matches(CAST(x AS VARCHAR), '[0-9]{16}') "
        "OR regexp_matches(typeof(x), 'DOUBLE|FLOAT') "
        "AND regexp_matches(CAST(x AS VARCHAR), '[0-9](e|\\.0([^0-9]|$))') "
        "THEN il_refuse('the JSON of so large a number', x) ELSE x END"
    ),
}
