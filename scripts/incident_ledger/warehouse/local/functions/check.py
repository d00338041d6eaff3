"""Which functions, parts and types a statement uses, each as a key; a key that is not proven is refused by name.

    date_trunc:week(monday)    a function with its part           cast:int64        a conversion
    array_agg ignore nulls     one with what changes it           operator:add      what has no name
    sum over                   one in a window                    construct:pivot   what is no function

`proven.txt` holds the keys of which the catalogue found every expression equal; whatever it does not hold is refused:
a function is allowed because it was compared, and not because nobody complained. `refused.txt` says what the catalogue
names and need not try again, since it is known to differ or cannot be proven.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import sqlglot
import sqlglot.expressions as exp
from sqlglot.errors import SqlglotError

PROVEN = Path(__file__).with_name("proven.txt")
REFUSED = Path(__file__).with_name("refused.txt")

# What sqlglot makes of other functions, and what is no function of the statement's own.
_SILENT = (exp.TsOrDsToDate, exp.TsOrDsToTimestamp, exp.TsOrDsToDatetime, exp.SafeFunc, exp.NetFunc, exp.WeekStart)
_CONSTRUCTS = (
    exp.Pivot,
    exp.TableSample,
    exp.MatchRecognize,
    exp.Lateral,
    exp.Collate,
    exp.AtTimeZone,
    exp.Kwarg,
    exp.Rollup,
    exp.Cube,
    exp.GroupingSets,
)
_OPERATORS = (exp.Binary, exp.Unary, exp.Between, exp.In, exp.Bracket, exp.Interval)
_PLAIN = (exp.Paren, exp.Alias, exp.Dot, exp.Connector, exp.PropertyEQ, exp.Slice)
_OURS = {"current_setting"}  # DuckDB's, by which a test reads the server's own limit
_NAMESPACES = {"net", "keys", "hll_count", "kll_quantiles", "aead", "ml", "st"}  # of Google's functions
_SHOWN = {"group_concat": "string_agg", "arg_max": "max_by", "arg_min": "min_by"}
_MODIFIERS = {exp.IgnoreNulls: " ignore nulls", exp.RespectNulls: " respect nulls", exp.HavingMax: " having"}


@lru_cache(maxsize=512)
def refusal(sql: str, own: frozenset[str] = frozenset()) -> str | None:
    """Why the statement is not computed here; None when all that it uses is proven, or when it cannot be read.

    `own` are the names of functions that somebody made here.
    """
    unproven = sorted({key for key in keys(sql, own) if key not in proven()})
    if not unproven:
        return None
    return f"The local warehouse cannot compute {', '.join(map(shown, unproven))} as BigQuery does."


def shown(key: str) -> str:
    """A key as a person writes it: `date_trunc(…, week(monday))`."""
    kind, _, what = _SHOWN.get(key, key).partition(":")
    if "(" not in key and " " in key and not kind.endswith((" over", " distinct", " nulls", " having")) and kind == key:
        return key
    if kind in {"operator", "construct"}:
        return f"the {kind} {what}"
    if kind in {"cast", "safe_cast"}:
        return f"{kind}(… as {what})"
    return f"{kind}(…, {what})" if what else f"{kind}()"


@cache
def proven() -> frozenset[str]:
    """The keys that the catalogue proved."""
    return _lines(PROVEN)


@cache
def refused() -> frozenset[str]:
    """The keys that are known to be computed otherwise, or that nothing here can prove."""
    return _lines(REFUSED)


def _lines(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def keys(sql: str, known: frozenset[str] = frozenset()) -> set[str]:
    """The keys of all statements of a text; none of what cannot be read. `known` are functions of the user's own."""
    try:
        trees = sqlglot.parse(sql, read="bigquery")
    except SqlglotError:
        return set()
    return {key for tree in trees if tree is not None for node in tree.walk() for key in _of_node(node, known)}


def _of_node(node: Any, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, _SILENT + _PLAIN) and not isinstance(node, exp.Func):
        return
    if isinstance(node, _CONSTRUCTS):
        yield f"construct:{type(node).__name__.lower()}"
    elif isinstance(node, exp.Func):
        yield from _of_function(node, known)
    elif isinstance(node, exp.Bracket):
        yield "operator:bracket" if node.args.get("offset") is None else "operator:bracket with its offset"
    elif isinstance(node, exp.EQ | exp.NEQ) and isinstance(node.this, exp.Struct | exp.Tuple):
        yield "operator:comparison of structs"
    elif isinstance(node, _OPERATORS):
        yield f"operator:{type(node).__name__.lower()}"
    elif isinstance(node, exp.Select) and node.args.get("kind") == "STRUCT":
        yield from _of_struct(node)


def _of_function(node: Any, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, (*_SILENT, exp.Connector)):
        return
    if isinstance(node, exp.Cast):
        yield from _of_cast(node)
        return
    name = _name(node)
    is_somebodys = "." in name and name.partition(".")[0] not in _NAMESPACES
    if name in known or name in _OURS or "__bqemu_temp_" in name or is_somebodys:
        return
    yield name + _part(node)
    yield from _of_modifiers(name, node)
    if name == "array_agg":
        yield from _of_array(node)
    elif isinstance(node, exp.Struct):
        if not all(isinstance(item, exp.PropertyEQ) for item in node.expressions):
            yield "struct with unnamed fields"
    elif name == "parse_json" and node.this.name == "null":
        yield "json 'null'"
    elif name.startswith("regexp_"):
        yield from _of_pattern(name, node)


def _of_cast(node: Any) -> Iterator[str]:
    kind = "safe_cast" if isinstance(node, exp.TryCast) else "cast"
    yield f"{kind}:{_type(node.to)}" + (" format" if node.args.get("format") else "")
    if isinstance(node.parent, exp.SafeFunc):
        yield "safe.cast"
    if node.to.is_type("json") and node.this.name == "null":
        yield "json 'null'"


def _of_modifiers(name: str, node: Any) -> Iterator[str]:
    """What changes a function and stands before, inside or around its call."""
    if isinstance(node.parent, exp.SafeFunc):
        yield f"safe.{name}"
    for modifier, words in _MODIFIERS.items():
        is_around = modifier is not exp.HavingMax and isinstance(node.parent, modifier) and node.arg_key == "this"
        if isinstance(node.this, modifier) or is_around:
            yield name + words
    if isinstance(node.this, exp.Distinct):
        yield f"{name} distinct"
    around = node.parent if isinstance(node.parent, tuple(_MODIFIERS)) else node
    if isinstance(around.parent, exp.Window) and around.arg_key == "this":
        yield f"{name} over"


def _of_array(node: Any) -> Iterator[str]:
    if node.find(exp.Limit):
        yield "array_agg limit"
    if node.find(exp.Distinct) and isinstance(node.parent, exp.IgnoreNulls):
        yield "array_agg distinct ignore nulls"


def _of_struct(node: Any) -> Iterator[str]:
    """`select as struct x, o from … with offset as o` loses the name of `o`."""
    offsets = {str(unnest.args["offset"].name) for unnest in node.find_all(exp.Unnest) if unnest.args.get("offset")}
    if any(isinstance(item, exp.Column) and item.name in offsets for item in node.expressions):
        yield "as struct with an offset"


def _of_pattern(name: str, node: Any) -> Iterator[str]:
    if node.args.get("position") or node.args.get("occurrence"):
        yield "a pattern with a position"
    pattern = node.args.get("expression")
    if name == "regexp_contains":
        return
    if not isinstance(pattern, exp.Literal | exp.RawString):
        yield "a pattern that is computed"
        return
    try:
        known = re.compile(pattern.name)
    except re.error:
        yield "a pattern that is computed"
        return
    if known.groups > 1 and name != "regexp_replace":
        yield "a pattern with several groups"
    if known.match(""):
        yield "a pattern that matches nothing"
    replacement = node.args.get("replacement")
    if replacement is not None:
        used = re.findall(r"\\\\?(\d)", replacement.name) if isinstance(replacement, exp.Literal) else ["9"]
        is_cut = isinstance(replacement, exp.Literal) and re.search(r"(?<!\\)(\\\\)*\\(?![\\\d])", replacement.name)
        if is_cut or any(int(number) > known.groups for number in used):
            yield "a pattern that is computed"


def _name(node: Any) -> str:
    name = str(node.name if isinstance(node, exp.Anonymous) else node.meta.get("name") or node.sql_name())
    inside = node.parent
    if isinstance(inside, exp.NetFunc):
        name = f"net.{name}"
    elif isinstance(inside, exp.Dot):  # keys.…, hll_count.…, a dataset's function
        name = f"{inside.this.sql(dialect='bigquery')}.{name}"
    return name.lower()


def _part(node: Any) -> str:
    part = node.args.get("unit") or (node.this if isinstance(node, exp.Extract) else None)
    if part is None:
        return ""
    return ":" + re.sub(r"[\s'`]", "", part.sql(dialect="bigquery")).lower()


def _type(kind: Any) -> str:
    text = str(kind.sql(dialect="bigquery")).lower()
    return re.sub(r"\(.*?\)", "(…)", text) if kind.is_type("array", "struct") is False else text.partition("<")[0]
