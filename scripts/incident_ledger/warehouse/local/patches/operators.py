"""GoogleSQL's operators as Google computes them. Seen in bqemulator 1.4.0."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute
import sqlglot.expressions as exp
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.sql.rewriter import division_by_zero
from bqemulator.storage.engine import DuckDBEngine
from sqlglot.dialects.duckdb import DuckDB


def operators_as_google_computes_them() -> None:
    """Products and quotients of NUMERIC, offsets of arrays, patterns of LIKE, division of NULL."""
    generator = DuckDB.Generator
    generator.TRANSFORMS[exp.Mul] = _arithmetic("il_mul", "*")
    generator.TRANSFORMS[exp.Div] = _arithmetic("il_quotient", "/")
    generator.TRANSFORMS[exp.Sub] = _difference
    generator.bracket_sql = _bracket(generator.bracket_sql)
    generator.like_sql = _like(generator.like_sql)
    generator.generate = _typed_literals(generator.generate)
    _nothing_by_zero()
    _finite_numbers_only()


def _arithmetic(name: str, sign: str) -> Callable[[Any, Any], str]:
    def written(generator: Any, node: Any) -> str:
        if node.find(exp.Interval):
            return str(generator.binary(node, sign))
        return f"{name}({generator.sql(node, 'this')}, {generator.sql(node, 'expression')})"

    return written


def _difference(generator: Any, node: Any) -> str:
    left, right = generator.sql(node, "this"), generator.sql(node, "expression")
    is_plain = node.find(exp.Interval) or isinstance(node.expression, exp.Literal)
    return f"{left} - {right}" if is_plain else f"{left} - il_no_time({right})"


def _bracket(original: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
    """`x[offset(9)]` of an array of two is an error, `x[safe_offset(-1)]` is NULL."""

    def written(generator: Any, node: Any) -> str:
        base = node.args.get("offset")
        if base is None or len(node.expressions) != 1 or node.args.get("il"):
            return original(generator, node)
        name = "il_at_or_null" if node.args.get("safe") else "il_at"
        place = generator.sql(node.expressions[0])
        return f"{name}({generator.sql(node, 'this')}, CAST({place} AS BIGINT) - {int(base)})"

    return written


def _like(original: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
    """A backslash in a pattern takes the next character as it is."""

    def written(generator: Any, node: Any) -> str:
        made, pattern = original(generator, node), node.expression
        is_plain = isinstance(pattern, exp.Literal) and "\\" not in pattern.name
        if is_plain or isinstance(pattern, exp.Any | exp.All) or isinstance(node.parent, exp.Escape):
            return made
        return f"{made} ESCAPE '\\'"

    return written


_WITH_VALUES = (
    *(exp.Add, exp.Sub, exp.Mul, exp.Div),
    *(exp.Coalesce, exp.Greatest, exp.Least, exp.Nullif, exp.Case, exp.If),
)


def _typed_literals(original: Callable[..., str]) -> Callable[..., str]:
    """A literal with a point is a NUMERIC beside one (`cost * 1.1`, `coalesce(cost, 0.0)`), and a FLOAT64 in DuckDB."""

    def generate(self: Any, tree: Any, copy: bool = True) -> str:
        made = tree.copy() if copy else tree
        for node in made.find_all(*_WITH_VALUES):
            values = list(filter(None, _values(node)))
            others = [value for value in values if not isinstance(_inner(value), exp.Literal | exp.Null)]
            if not others or node.find(exp.Interval):
                continue
            other = others[0] if len(others) == 1 else exp.Coalesce(this=others[0], expressions=others[1:])
            for value in values:
                if _is_float(value):
                    text = exp.Literal.string(value.sql(dialect="duckdb").strip("()").replace(" ", ""))
                    value.replace(exp.Anonymous(this="il_literal", expressions=[text, other.copy()]))
        return original(self, made, copy=False)

    return generate


def _inner(node: Any) -> Any:
    while isinstance(node, exp.Neg | exp.Paren):
        node = node.this
    return node


def _is_float(node: Any) -> bool:
    literal = _inner(node)
    return isinstance(literal, exp.Literal) and not literal.is_string and not literal.this.isdigit()


def _values(node: Any) -> Iterator[Any]:
    """Those of which one is the result."""
    if isinstance(node, exp.Case):
        yield from (part.args.get("true") for part in node.args["ifs"])
        yield node.args.get("default")
    elif isinstance(node, exp.If):
        if not isinstance(node.parent, exp.Case):
            yield from (node.args.get("true"), node.args.get("false"))
    else:
        yield from (node.this, *node.expressions, node.args.get("expression"))


def _nothing_by_zero() -> None:
    """NULL divided by zero is NULL, and no error."""
    original = division_by_zero._build_division_case

    def build(numerator: Any, divisor: Any) -> Any:
        case = original(numerator, divisor)
        (condition,) = case.args["ifs"]
        condition.set("this", exp.and_(condition.this, exp.not_(exp.Is(this=numerator.copy(), expression=exp.null()))))
        return case

    division_by_zero._build_division_case = build


# What a table holds is shown as it is.
_COMPUTES = re.compile(r"\bil_| [-+] |\b(?:sum|avg|stddev|var)\w*\(", re.IGNORECASE)


def _finite_numbers_only() -> None:
    """A FLOAT64 that became infinite is an error of BigQuery's, or one of its own infinities: neither is answered."""
    original = DuckDBEngine.fetch_arrow

    def fetch(self: Any, sql: str, parameters: list[Any] | None = None) -> Any:
        found = original(self, sql, parameters)
        floats = [column for column in found.columns if pa.types.is_floating(column.type)]
        if floats and _COMPUTES.search(sql) and not all(map(_is_finite, floats)):
            raise InvalidQueryError("The local warehouse cannot compute NaN and infinity as BigQuery does.")
        return found

    DuckDBEngine.fetch_arrow = fetch


def _is_finite(column: Any) -> bool:
    return pa.compute.all(pa.compute.is_finite(column)).as_py() is not False
