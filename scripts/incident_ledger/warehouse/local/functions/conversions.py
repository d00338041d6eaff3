"""CAST and SAFE_CAST as DuckDB's macros. `il_safe_to_…` gives NULL for what has no such value, `il_to_…` raises."""

_TEXT = "CAST(x AS VARCHAR)"
_IS_TEXT = "typeof(x) = 'VARCHAR'"
_IS_ZONED = "typeof(x) = 'TIMESTAMP WITH TIME ZONE'"
_IS_DECIMAL = "typeof(x) LIKE 'DECIMAL%'"
_DATE = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK = "([01]?[0-9]|2[0-3]):[0-5]?[0-9]:([0-5]?[0-9]|60)(\\.[0-9]{0,6})?"
_DATETIME = f"{_DATE}([ Tt]{_CLOCK})?"
_ZONE = " ?([+-][0-9]{1,2}(:[0-9]{2})?|[Zz]|UTC)"
_INTEGER = r"\s*[+-]?[0-9]+\s*"
_NO_NUMBER = r"\s*[+-]?([Ii][Nn][Ff]([Ii][Nn][Ii][Tt][Yy])?|[Nn][Aa][Nn])\s*"
_NUMBER = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"


def _matches(pattern: str) -> str:
    return f"regexp_full_match({_TEXT}, '{pattern}')"


# What is not text goes by DuckDB's own conversion, which is BigQuery's but for what is written here.
SAFE = {
    "int64": f"""CASE
        WHEN {_IS_TEXT} THEN CASE WHEN {_matches(_INTEGER)} THEN TRY_CAST(trim({_TEXT}) AS BIGINT)
            ELSE il_hex_int64({_TEXT}) END
        WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN TRY_CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT)
        ELSE TRY_CAST(x AS BIGINT) END""",
    "float64": f"""CASE WHEN {_IS_TEXT} THEN CASE
            WHEN {_matches(_NO_NUMBER)} THEN il_refuse('NaN and infinity', x)
            WHEN {_matches(_NUMBER)} THEN TRY_CAST(trim({_TEXT}) AS DOUBLE)
            ELSE CAST(il_hex_int64({_TEXT}) AS DOUBLE) END
        ELSE TRY_CAST(x AS DOUBLE) END""",
    "numeric": f"""CASE WHEN {_IS_TEXT} AND NOT {_matches(_NUMBER)} THEN NULL
        WHEN {_IS_TEXT} THEN TRY_CAST(trim({_TEXT}) AS DECIMAL(38, 9))
        WHEN typeof(x) = 'DOUBLE' THEN TRY_CAST(il_float_numeric(TRY_CAST(x AS DOUBLE)) AS DECIMAL(38, 9))
        ELSE TRY_CAST(x AS DECIMAL(38, 9)) END""",
    "bool": f"""CASE WHEN {_IS_TEXT} THEN CASE lower({_TEXT}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END
        ELSE TRY_CAST(x AS BOOLEAN) END""",
    "string": f"""CASE WHEN {_IS_TEXT} OR typeof(x) IN ('BIGINT', 'INTEGER', 'BOOLEAN', 'DATE') THEN {_TEXT}
        WHEN typeof(x) = 'DOUBLE' THEN il_float_text(TRY_CAST(x AS DOUBLE))
        WHEN typeof(x) = 'BLOB' THEN il_decode(TRY_CAST(x AS BLOB))
        WHEN {_IS_DECIMAL} THEN rtrim(rtrim({_TEXT}, '0'), '.')
        WHEN contains({_TEXT}, '.') THEN split_part({_TEXT}, '.', 1) || '.' || il_fraction(split_part(split_part(
            {_TEXT}, '.', 2), '+', 1)) || CASE WHEN {_IS_ZONED} THEN '+00' ELSE '' END
        ELSE {_TEXT} END""",
    "bytes": f"CASE WHEN {_IS_TEXT} THEN encode({_TEXT}) ELSE TRY_CAST(x AS BLOB) END",
    "date": f"""CASE WHEN {_IS_TEXT} AND NOT {_matches(_DATE)} THEN NULL
        WHEN {_IS_ZONED} THEN CAST(TRY_CAST(x AS TIMESTAMP) AS DATE) ELSE TRY_CAST(x AS DATE) END""",
    "datetime": f"""CASE WHEN {_IS_TEXT} AND NOT {_matches(_DATETIME)} THEN NULL
        ELSE TRY_CAST(x AS TIMESTAMP) END""",
    "time": f"""CASE WHEN {_IS_TEXT} AND NOT {_matches(_CLOCK)} THEN NULL
        WHEN {_IS_TEXT} AND {_matches(".*:60.*")} THEN il_refuse('a leap second', x)
        WHEN {_IS_ZONED} THEN CAST(TRY_CAST(x AS TIMESTAMP) AS TIME) ELSE TRY_CAST(x AS TIME) END""",
    "timestamp": f"""CASE WHEN {_IS_TEXT} THEN il_text_to_timestamp({_TEXT})
        WHEN {_IS_ZONED} THEN TRY_CAST(x AS TIMESTAMPTZ)
        ELSE CAST(TRY_CAST(x AS TIMESTAMP) AS TIMESTAMPTZ) END""",
}
_REFUSED = {"time": "", "float64": f"WHEN {_IS_TEXT} AND {_matches(_NO_NUMBER)} THEN il_refuse('NaN and infinity', x) "}
_NAMED_ZONE = f"{_DATE}( {_CLOCK})? ([A-Z][A-Za-z_]+/[A-Za-z_/]+)"
MACROS = {
    "il_fraction(f)": "CASE WHEN length(f) <= 3 THEN rpad(f, 3, '0') ELSE rpad(f, 6, '0') END",
    "il_text_to_timestamp(x)": f"""CASE
        WHEN regexp_full_match(x, '{_DATE}([ Tt]{_CLOCK})?({_ZONE})?') THEN TRY_CAST(x AS TIMESTAMPTZ)
        WHEN regexp_full_match(x, '{_NAMED_ZONE}') THEN il_from_local(TRY_CAST(
            regexp_replace(x, ' [A-Z].*$', '') AS TIMESTAMP), regexp_extract(x, ' ([A-Z].*)$', 1)) END""",
    **{f"il_safe_to_{kind}(x)": body for kind, body in SAFE.items()},
    **{
        f"il_to_{kind}(x)": (
            f"CASE WHEN x IS NULL THEN NULL {_REFUSED.get(kind, '')}WHEN il_safe_to_{kind}(x) IS NULL THEN "
            f"{'il_fail' if kind in _REFUSED else 'il_error'}('Bad value of type {kind.upper()}: ' || "
            f"CAST(x AS VARCHAR), x) ELSE il_safe_to_{kind}(x) END"
        )
        for kind in SAFE
    },
}
