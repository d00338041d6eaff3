"""What statements read and write: views resolved down to tables, and of a table by day the days that are left.

A filter reaches a table from outside of a view, a CTE or a subquery where BigQuery would push it down: through columns
that are passed on as they are (or as their date), through an aggregation that groups by them, and through a window that
is partitioned by them. What is not understood leaves a table whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import sqlglot
from sqlglot import exp

from benchmark.billing.conditions import Parameters, column_of_days, conjuncts, days_left
from benchmark.billing.day_sets import ALL_DAYS, NO_DAYS, DaySet

Filters = frozenset[tuple[str, DaySet]]
"""Days that are left, by the name (in lower case) of an output column."""

NO_FILTERS: Filters = frozenset()


class Relations(Protocol):
    """What is to be known of tables and views, by `dataset.table`."""

    def view(self, name: str) -> str | None:
        """The query of a view; None for what is none."""

    def partition(self, name: str) -> str | None:
        """The column that a table is partitioned by day on."""


@dataclass(frozen=True)
class Effect:
    """One statement: its kind (`select`, `insert`, `merge`, `create`, …), what it reads, and what it changes.

    `names` are the tables and views that it names itself.
    `is_fixed`: the same answer from the same tables, so that BigQuery may give it from its cache.
    """

    kind: str
    reads: Mapping[str, DaySet]
    writes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    is_fixed: bool = True

    @property
    def is_dml(self) -> bool:
        """Whether it changes rows by a statement of DML."""
        return self.kind in {"insert", "update", "delete", "merge"}


@lru_cache(maxsize=4096)
def parsed(sql: str) -> tuple[exp.Expression, ...]:
    """The statements of a script. Raises `sqlglot.errors.ParseError`."""
    return tuple(each for each in sqlglot.parse(sql, dialect="bigquery") if each is not None)


def effects(sql: str, relations: Relations, *, dataset: str | None = None, parameters: Parameters) -> list[Effect]:
    """What each statement of a script does. `dataset` is the one of names without any."""
    reader = _Reader(relations, dataset, parameters)
    return [reader.effect(statement) for statement in parsed(sql)]


def table_name(table: exp.Table, dataset: str | None) -> str:
    """`dataset.table` of a table as a statement names it."""
    parts = [part for piece in table.parts for part in piece.name.split(".")]
    if len(parts) > 2 and parts[-2].upper() == "INFORMATION_SCHEMA":
        return ".".join(parts[-3:])
    return ".".join(parts[-2:]) if len(parts) > 1 else f"{dataset}.{parts[0]}" if dataset else parts[0]


@dataclass(frozen=True, eq=False)
class _Named:
    """A CTE with those that it can name."""

    query: exp.Expression
    visible: Mapping[str, "_Named"]


@dataclass
class _Reader:
    relations: Relations
    dataset: str | None
    parameters: Parameters
    _seen: set[tuple[int, Filters]] = field(default_factory=set)
    _reads: dict[str, DaySet] = field(default_factory=dict)

    def effect(self, statement: exp.Expression) -> Effect:
        self._seen, self._reads = set(), {}
        kind, writes = statement.key, set()
        if isinstance(statement, exp.Query):
            self._query(statement, NO_FILTERS, {})
            kind = "select"
        elif isinstance(statement, exp.Merge | exp.Update | exp.Delete):
            writes = {self._change(statement)}
        elif isinstance(statement, exp.Insert | exp.Create):
            target = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
            writes = {table_name(target, self.dataset)} if isinstance(target, exp.Table) else set()
            is_view = isinstance(statement, exp.Create) and statement.kind != "TABLE"
            if isinstance(statement.expression, exp.Query) and not is_view:
                self._query(statement.expression, NO_FILTERS, {})
        elif isinstance(statement, exp.Drop | exp.Alter | exp.TruncateTable):
            writes = {table_name(table, self.dataset) for table in statement.find_all(exp.Table)}
        else:
            self._queries_in(statement, {})
        is_fixed = kind == "select" and not any(_is_moving(each) for each in self._texts(statement))
        names = frozenset(table_name(table, self.dataset) for table in statement.find_all(exp.Table) if table.name)
        return Effect(kind, dict(self._reads), frozenset(writes), names, is_fixed)

    def _texts(self, statement: exp.Expression) -> Iterator[exp.Expression]:
        """The statement and the views that it names, and theirs."""
        yield statement
        for table in statement.find_all(exp.Table):
            view = self.relations.view(table_name(table, self.dataset)) if table.name else None
            if view is not None:
                yield from self._texts(parsed(view)[0])

    def _change(self, statement: exp.Merge | exp.Update | exp.Delete) -> str:
        target: exp.Table = statement.this
        name = table_name(target, self.dataset)
        if isinstance(statement, exp.Merge):
            if _only_inserts(statement):
                self._reads.setdefault(name, NO_DAYS)
            else:
                self._read(name, _merged_days(statement, self._left))
            self._source(statement.args["using"], NO_FILTERS, {})
        else:
            where = statement.args.get("where")
            self._read(name, self._left(where.this if where else None, target.alias_or_name, is_only=True))
            self._queries_in(where, {})
        for part in ("from_", "from", "on", "whens", "expressions"):
            value = statement.args.get(part)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, exp.From):
                    self._source(each.this, NO_FILTERS, {})
                elif isinstance(each, exp.Expression):
                    self._queries_in(each, {})
        return name

    def _left(self, condition: exp.Expression | None, alias: str, *, is_only: bool) -> Filters:
        """The filters of one source that a condition holds; with `is_only`, a name without a table is of it."""
        found: dict[str, DaySet] = {}
        for each in conjuncts(condition):
            known = days_left(each, self.parameters)
            if known is None:
                continue
            column, days = known
            if column.table.lower() == alias.lower() or (is_only and not column.table):
                name = column.name.lower()
                found[name] = found.get(name, ALL_DAYS) & days
        return frozenset(found.items())

    def _read(self, name: str, filters: Filters) -> None:
        column = self.relations.partition(name)
        days = dict(filters).get(column.lower(), ALL_DAYS) if column else ALL_DAYS
        self._reads[name] = self._reads[name] | days if name in self._reads else days

    def _query(self, query: exp.Expression, filters: Filters, visible: Mapping[str, _Named]) -> None:
        """Note the reads of a query of which only the rows that meet the filters are wanted."""
        key = (id(query), filters)
        if key in self._seen:  # what a query can name follows from where it stands
            return
        self._seen.add(key)
        visible = _with_ctes(query, visible)
        if isinstance(query, exp.Subquery):
            self._query(query.this, filters, visible)
        elif isinstance(query, exp.SetOperation):
            names = _output_names(query)
            self._query(query.left, filters, visible)
            self._query(query.right, _by_place(filters, names, _output_names(query.right)), visible)
        elif isinstance(query, exp.Select) and _is_never(query.args.get("where")):
            self._no_rows(query, filters, visible)
        elif isinstance(query, exp.Select):
            self._select(query, filters, visible)

    def _no_rows(self, select: exp.Select, filters: Filters, visible: Mapping[str, _Named]) -> None:
        """A query of which only the columns are wanted (`where false`): it names tables and reads no day of them."""
        inner = _Reader(self.relations, self.dataset, self.parameters)
        inner._select(select, filters, visible)
        for name in inner._reads:
            self._reads.setdefault(name, NO_DAYS)

    def _select(self, select: exp.Select, filters: Filters, visible: Mapping[str, _Named]) -> None:
        sources = list(_sources(select))
        inherited = _pushed(select, filters)
        where = select.args.get("where")
        for source, condition, is_filtered in sources:
            alias, is_only = source.alias_or_name, len(sources) == 1
            left: dict[str, DaySet] = dict(self._left(condition, alias, is_only=False))
            if is_filtered:
                own = self._left(where.this if where else None, alias, is_only=is_only)
                passed = [
                    (column, days)
                    for table, column, days in inherited
                    if table == alias.lower() or (is_only and not table)
                ]
                for column, days in (*own, *passed):
                    left[column] = left.get(column, ALL_DAYS) & days
            self._source(source, frozenset(left.items()), visible)
        for name, part in select.args.items():
            if name not in {"with_", "with", "from_", "from"}:
                for each in part if isinstance(part, list) else [part]:
                    inner = each.args.get("on") if isinstance(each, exp.Join) else each
                    self._queries_in(inner, visible)

    def _source(self, source: exp.Expression, filters: Filters, visible: Mapping[str, _Named]) -> None:
        if isinstance(source, exp.Subquery):
            self._query(source.this, filters, _with_ctes(source, visible))
        elif isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            named = visible.get(source.name.lower()) if not source.db else None
            if named is not None:
                self._query(named.query, filters, named.visible)
                return
            name = table_name(source, self.dataset)
            view = self.relations.view(name)
            if view is None:
                self._read(name, filters)
            else:
                self._query(parsed(view)[0], filters, {})
        elif isinstance(source, exp.Expression):
            self._queries_in(source, visible)

    def _queries_in(self, expression: Any, visible: Mapping[str, _Named]) -> None:
        """Queries within an expression; no filter from outside reaches them."""
        if isinstance(expression, exp.Query):
            self._query(expression, NO_FILTERS, visible)
        elif isinstance(expression, exp.Expression):
            for child in expression.iter_expressions():
                self._queries_in(child, visible)


def _with_ctes(query: exp.Expression, visible: Mapping[str, _Named]) -> Mapping[str, _Named]:
    clause = query.args.get("with_") or query.args.get("with")
    if clause is None:
        return visible
    known = dict(visible)
    for cte in clause.expressions:
        known[cte.alias.lower()] = _Named(cte.this, dict(known))
    return known


def _sources(select: exp.Select) -> Iterator[tuple[exp.Expression, exp.Expression | None, bool]]:
    """Each source, the condition of the join that is its own, and whether the filters of the whole select reach it.

    They do not reach the side of an outer join whose rows may be missing, nor its own condition the other side.
    """
    clause = select.args.get("from_") or select.args.get("from")
    if clause is None:
        return
    joins: list[exp.Join] = select.args.get("joins") or []
    yield clause.this, None, not any(join.side in {"RIGHT", "FULL"} for join in joins)
    for place, join in enumerate(joins):
        is_kept = join.side != "FULL" and not any(later.side in {"RIGHT", "FULL"} for later in joins[place + 1 :])
        is_own = join.side in {"", "LEFT"} and join.kind in {"", "INNER", "OUTER"}
        yield join.this, join.args.get("on") if is_own else None, is_kept and join.side != "LEFT"


def _pushed(select: exp.Select, filters: Filters) -> list[tuple[str, str, DaySet]]:
    """The filters of output columns as filters of the sources' columns: table (or ''), column, days."""
    if select.args.get("limit") or select.args.get("offset"):
        return []
    grouping = select.args.get("group")
    is_aggregated = grouping is not None or any(
        not each.find_ancestor(exp.Window) and each.find_ancestor(exp.Select) is select
        for projection in select.expressions
        for each in projection.find_all(exp.AggFunc)
    )
    windows = [window for window in select.find_all(exp.Window) if window.find_ancestor(exp.Select) is select]
    pushed = []
    for name, days in filters:
        for projection in _projections(select, name):
            column = column_of_days(projection)
            if column is None:
                continue
            is_grouped = not is_aggregated or _is_grouped(select, projection, column)
            if is_grouped and all(
                _has(window.args.get("partition_by") or [], column, projection) for window in windows
            ):
                pushed.append((column.table.lower(), column.name.lower(), days))
    return pushed


def _projections(select: exp.Select, name: str) -> Iterator[exp.Expression]:
    """The projection of that name; a star is a column of that name, of its table or of the only source."""
    for projection in select.expressions:
        if projection.alias_or_name.lower() == name:
            yield projection
            return
    stars = [each for each in select.expressions if each.is_star and _passes(each, name)]
    if len(stars) == 1:
        table = stars[0].table if isinstance(stars[0], exp.Column) else ""
        yield exp.column(name, table=table or None)


def _passes(star: exp.Expression, name: str) -> bool:
    inner = star.this if isinstance(star, exp.Column) else star
    changed = [*(inner.args.get("except_") or inner.args.get("except") or []), *(inner.args.get("replace") or [])]
    return all(each.alias_or_name.lower() != name for each in changed)


def _is_grouped(select: exp.Select, projection: exp.Expression, column: exp.Column) -> bool:
    grouping = select.args.get("group")
    if grouping is None:
        return False
    if grouping.args.get("all"):
        return True
    place = select.expressions.index(projection) + 1 if projection in select.expressions else None
    keys = grouping.expressions
    by_place = any(isinstance(key, exp.Literal) and key.name == str(place) for key in keys)
    return by_place or _has(keys, column, projection)


def _has(keys: Sequence[exp.Expression], column: exp.Column, projection: exp.Expression) -> bool:
    """Whether the column, or the projection that is made of it, is among the keys of a group or a window."""
    inner = projection.this if isinstance(projection, exp.Alias) else projection
    names = {column.name.lower(), projection.alias_or_name.lower()}
    tables = {"", column.table.lower()} if column.table else None  # None: the table does not matter, there is one
    return any(
        key == inner
        or (
            isinstance(key, exp.Column)
            and key.name.lower() in names
            and (tables is None or key.table.lower() in tables)
        )
        for key in keys
    )


def _output_names(query: exp.Expression) -> list[str] | None:
    """The names of the output columns, in order; None where a star hides them."""
    names = [each.lower() for each in query.named_selects]
    return None if "*" in names else names


def _by_place(filters: Filters, left: list[str] | None, right: list[str] | None) -> Filters:
    """Filters of a set operation by the names of its right side."""
    if left is None or right is None:
        return filters if left is right else NO_FILTERS
    return frozenset((right[left.index(name)], days) for name, days in filters if name in left)


def _merged_days(merge: exp.Merge, left: Any) -> Filters:
    """What a MERGE reads of its target: what its condition leaves, or what its clauses for missing rows leave."""
    alias = merge.this.alias_or_name
    missing = [when for when in merge.args["whens"].expressions if when.args.get("source")]
    if not missing:
        return left(merge.args["on"], alias, is_only=False)  # type: ignore[no-any-return]
    if _is_false(merge.args["on"]) and len(missing) == 1:
        return left(missing[0].args.get("condition"), alias, is_only=True)  # type: ignore[no-any-return]
    return NO_FILTERS


def _only_inserts(merge: exp.Merge) -> bool:
    """Whether it matches nothing by its condition, and has no clause for rows that its source lacks."""
    return _is_false(merge.args["on"]) and not any(when.args.get("source") for when in merge.args["whens"].expressions)


def _is_never(where: exp.Where | None) -> bool:
    return where is not None and any(map(_is_false, conjuncts(where.this)))


def _is_false(condition: exp.Expression) -> bool:
    inner = condition.unnest()
    return isinstance(inner, exp.Boolean) and not inner.this


def _is_moving(expression: exp.Expression) -> bool:
    """Whether its answer may be another the next time: a clock, a chance, a person."""
    moving = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.Rand, exp.Uuid)
    return expression.find(*moving, exp.SessionUser) is not None
