"""Arithmetic and mathematics as DuckDB's macros.

`cast_to_type(value, list_median([x]))` gives what BigQuery gives of a number: FLOAT64 of INT64, and NUMERIC of NUMERIC.
NUMERIC where only FLOAT64 is computed, NaN and infinity are refused: DuckDB orders and adds them otherwise.
"""

_REAL = "list_median([x])"
_IS_DECIMAL = "typeof(x) LIKE 'DECIMAL%'"
_LARGEST = "99999999999999999999999999999.999999999"


def _float_only(name: str) -> str:
    return f"CASE WHEN {_IS_DECIMAL} THEN il_refuse('{name} of NUMERIC', x) ELSE {name}(CAST(x AS DOUBLE)) END"


def _finite(name: str, value: str) -> str:
    """An overflow is an error and no infinity."""
    return (
        f"CASE WHEN {_IS_DECIMAL} THEN il_refuse('{name} of NUMERIC', x) WHEN x IS NULL THEN NULL "
        f"WHEN NOT isfinite({value}) THEN il_fail('Floating point error in function: {name}', x) ELSE {value} END"
    )


MACROS = {
    "il_refuse(what, x)": (
        "CASE WHEN il_refusal('The local warehouse cannot compute ' || what || ' as BigQuery does.') THEN NULL END"
    ),
    "il_sum(x)": (
        "CASE WHEN typeof(x) = 'HUGEINT' AND (x > 9223372036854775807 OR x < -9223372036854775808) "
        "THEN il_error('int64 overflow in SUM', x) ELSE x END"
    ),
    "il_average(total, number, mean)": (
        "CASE WHEN typeof(total) LIKE 'DECIMAL%' AND number > 0 THEN cast_to_type(il_numeric_div("
        "CAST(total AS VARCHAR), CAST(number AS VARCHAR)), list_median([total])) "
        "ELSE cast_to_type(mean, list_median([total])) END"
    ),
    "il_below(n, most)": "CASE WHEN n < 0 OR n >= most THEN il_error('A part of a time is out of range', n) ELSE n END",
    # An error beside a refusal: where one of both is volatile, DuckDB converts the other's constant words at once.
    "il_fail(words, x)": "CASE WHEN il_raise(words) THEN NULL END",
    # A refusal alone: what has no type but NULL's is not evaluated when it is converted.
    "il_refused(what)": (
        "CASE WHEN il_refusal('The local warehouse cannot compute ' || what || ' as BigQuery does.') THEN '' END"
    ),
    "il_natural(n)": "CASE WHEN n < 0 THEN il_error('A length or count is negative', n) ELSE CAST(n AS BIGINT) END",
    "il_numeric(x)": (
        f"CASE WHEN {_IS_DECIMAL} THEN CASE WHEN abs(TRY_CAST(x AS DECIMAL(38, 9))) > {_LARGEST} OR (x IS NOT NULL AND "
        "TRY_CAST(x AS DECIMAL(38, 9)) IS NULL) THEN il_error('NUMERIC overflow', x) ELSE x END ELSE x END"
    ),
    "il_mul(a, b)": "cast_to_type(a * b, a + b)",
    "il_quotient(x, y)": (
        "CASE WHEN typeof(x + y) = 'DECIMAL(38,9)' THEN cast_to_type(il_some(il_numeric_div(CAST(x AS VARCHAR), "
        "CAST(y AS VARCHAR)), CAST(x AS VARCHAR) || CAST(y AS VARCHAR), 'numeric overflow'), list_median([x + y])) "
        "WHEN typeof(x + y) LIKE 'DECIMAL%' "
        "THEN il_refuse('the quotient of BIGNUMERIC', x) ELSE cast_to_type(x / y, list_median([x + y])) END"
    ),
    "il_safe_divide(x, y)": (
        "CASE WHEN y = 0 THEN NULL WHEN typeof(x + y) = 'DECIMAL(38,9)' THEN cast_to_type(il_numeric_div("
        "CAST(x AS VARCHAR), CAST(y AS VARCHAR)), list_median([x + y])) WHEN typeof(x + y) LIKE 'DECIMAL%' "
        "THEN il_refuse('the quotient of BIGNUMERIC', x) "
        "WHEN isinf(CAST(x AS DOUBLE) / CAST(y AS DOUBLE)) THEN NULL "
        "ELSE cast_to_type(x / y, list_median([x + y])) END"
    ),
    # A literal as text: NUMERIC beside NUMERIC, else FLOAT64.
    "il_literal(digits, x)": "cast_to_type(digits, list_median([x]))",
    "il_mod(x, y)": "CASE WHEN y = 0 THEN il_error('Division by zero: MOD', y) ELSE x % y END",
    "il_bit_count(x)": "CAST(bit_count(CAST(x AS BIGINT)) AS BIGINT)",
    "il_sign(x)": "cast_to_type(sign(x), x)",
    "il_round(x)": f"il_numeric(cast_to_type(round(x), {_REAL}))",
    "il_trunc(x)": f"cast_to_type(trunc(x), {_REAL})",
    "il_ceil(x)": f"il_numeric(cast_to_type(ceil(x), {_REAL}))",
    "il_floor(x)": f"il_numeric(cast_to_type(floor(x), {_REAL}))",
    "il_rounded(made, x)": f"cast_to_type(il_numeric(made), {_REAL})",
    "il_places(x, n, what)": (
        f"CASE WHEN {_IS_DECIMAL} THEN il_refuse(what || ' of NUMERIC to a number of places that is no literal', x) "
        "ELSE CAST(n AS INTEGER) END"
    ),
    **{
        f"il_{name}(x)": _float_only(name)
        for name in ("sqrt", "ln", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "tanh")
    },
    **{f"il_{name}(x)": _finite(name, f"{name}(CAST(x AS DOUBLE))") for name in ("exp", "sinh", "cosh")},
    "il_nonzero(n)": "CASE WHEN n = 0 THEN il_error('Division by zero: DIV', n) ELSE n END",
    "il_pow(x, y)": (
        f"CASE WHEN {_IS_DECIMAL} OR typeof(y) LIKE 'DECIMAL%' THEN il_refuse('pow of NUMERIC', x) "
        "WHEN x IS NULL OR y IS NULL THEN NULL "
        "WHEN NOT isfinite(pow(CAST(x AS DOUBLE), CAST(y AS DOUBLE))) "
        "THEN il_fail('Floating point error in function: pow', x) "
        "ELSE pow(CAST(x AS DOUBLE), CAST(y AS DOUBLE)) END"
    ),
    "il_log(x, y)": (
        f"CASE WHEN {_IS_DECIMAL} OR typeof(y) LIKE 'DECIMAL%' THEN il_refuse('log of NUMERIC', x) "
        "WHEN x IS NULL OR y IS NULL THEN NULL ELSE ln(CAST(x AS DOUBLE)) / ln(CAST(y AS DOUBLE)) END"
    ),
    "il_is_nan(x)": "isnan(CAST(x AS DOUBLE))",
    "il_no_numeric(x, what)": f"CASE WHEN {_IS_DECIMAL} THEN il_refuse(what || ' of NUMERIC', x) ELSE x END",
}
