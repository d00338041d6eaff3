"""Views over views, each bound once in a statement. Seen in bqemulator 1.4.0 with DuckDB 1.5.5."""

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from bqemulator.storage.engine import DuckDBEngine

_Name = tuple[str, str]  # of DuckDB's schema, and in it


class _Relation(NamedTuple):
    """A name of a relation in a text, with the alias that it has there or goes by."""

    name: _Name
    text: str
    alias: str


_NAME = r'"(?P<schema>[^"]+)"\.(?:"(?P<quoted>[^"]+)"|(?P<plain>\w+))'
# Names of relations with their schema, not inside of texts and comments.
_RELATION = re.compile(rf"""'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|{_NAME}(?P<alias>\s+AS\s)?""", re.DOTALL | re.IGNORECASE)
_CREATED = re.compile(rf"\s*CREATE (?:OR REPLACE )?VIEW {_NAME} AS (?P<body>.*?);?\s*", re.DOTALL | re.IGNORECASE)
_CHANGED = re.compile(r"""\s*(?:CREATE|DROP|ALTER)\b[^'"]*"(?P<schema>[^"]+)"(?P<rest>\.\S+)?""", re.IGNORECASE)
# Where a WITH can stand: before a query or DML, and after the AS of a table that a query makes.
_QUERY = re.compile(
    r"""\s*(?P<table>CREATE [^'"]*TABLE\b.*?\bAS\s+(?=\(*\s*(?:SELECT|WITH)\b))?"""
    r"(?:(?P<with>WITH (?:RECURSIVE )?)|(?=\(*\s*(?:SELECT|WITH)\b)|(?=INSERT|MERGE|UPDATE|DELETE))",
    re.DOTALL | re.IGNORECASE,
)


def views_are_bound_once() -> None:
    """DuckDB binds a view once for each place that names it, in the views below it too.

    `incident_deadlines` names eleven views, bound 49 times: a second for each question of an empty ledger. Where one
    would be bound more than once, all are written into a WITH before the statement, and DuckDB binds each once.
    """
    execute = DuckDBEngine.execute
    known: dict[_Name, str] = {}
    is_read = False

    def bind_once(self: Any, statement: str, parameters: list[Any] | None = None) -> Any:
        nonlocal is_read
        if not is_read:
            found = execute(self, "SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
            known.update(view for (text,) in found for view in _created(text))
            is_read = True
        done = execute(self, bound_once(statement, known), parameters)
        _note_change(known, statement)
        is_read = not statement.lstrip().upper().startswith("ROLLBACK")
        return done

    DuckDBEngine.execute = bind_once


def bound_once(statement: str, views: Mapping[_Name, str]) -> str:
    """The statement with the text of its views before it; as it was where none would be bound twice.

    `views` has the query of each view by its name.
    """
    place = _QUERY.match(statement)
    if not place:
        return statement
    bound = _times_bound(statement, views)
    if max(bound.values(), default=0) < 2:
        return statement
    texts = ", ".join(f"{_written(name)} AS ({_by_their_names(views[name], bound)})" for name in bound)
    head, tail = statement[: place.start("with")], statement[place.end("with") :]
    if place["with"] is None:
        head, tail = statement[: place.end()], statement[place.end() :]
        return f"{head}WITH {texts} {_by_their_names(tail, bound)}"
    return f"{head}{place['with']}{texts}, {_by_their_names(tail, bound)}"


def _times_bound(statement: str, views: Mapping[_Name, str]) -> Counter[_Name]:
    """How often DuckDB would bind each view, those that others name before them."""
    found: Counter[_Name] = Counter()
    for part in _parts(statement):
        if isinstance(part, _Relation) and part.name in views:
            found.update(_times_bound(views[part.name], views))
            found[part.name] += 1
    return found


def _written(name: _Name) -> str:
    return '"{}.{}"'.format(*name)


def _by_their_names(text: str, views: Container[_Name]) -> str:
    """The text, in which views are named as in the WITH before it."""
    return "".join(
        part if isinstance(part, str) else part.text if part.name not in views else _written(part.name) + part.alias
        for part in _parts(text)
    )


@lru_cache(4096)
def _parts(text: str) -> tuple[str | _Relation, ...]:
    """The text, taken apart where relations are named."""
    parts: list[str | _Relation] = []
    end = 0
    for found in _RELATION.finditer(text):
        if found["schema"]:
            name = _name(found)
            parts += text[end : found.start()], _Relation(name, found[0], found["alias"] or f' AS "{name[1]}"')
            end = found.end()
    return *parts, text[end:]


def _name(found: re.Match[str]) -> _Name:
    return found["schema"], found["quoted"] or found["plain"]


def _created(statement: str) -> Iterator[tuple[_Name, str]]:
    """The view that the statement makes, and its query."""
    if view := _CREATED.fullmatch(statement):
        yield _name(view), view["body"]


def _note_change(known: dict[_Name, str], statement: str) -> None:
    """Forget what the statement made otherwise or took away, and note the view that it made."""
    if not (change := _CHANGED.match(statement)):
        return
    name = (change["rest"] or "").strip('."; ')
    for each in [view for view in known if view[0] == change["schema"] and name in {"", view[1]}]:
        del known[each]
    known.update(_created(statement))
