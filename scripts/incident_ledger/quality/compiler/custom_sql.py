"""A suite's own SQL: one SELECT by a parser, sent as the parser read it.

A file that somebody else wrote must not be able to change the warehouse. So the text is parsed, and what is not exactly
one query is refused; what is sent is written from the tree, so that no bracket, comment or semicolon of the text
can end the statement around it. Before it is sent, a dry run must call the whole a SELECT (`scanner`).
"""

from dataclasses import dataclass
from typing import Any

import sqlglot.expressions as exp
from sqlglot import parse
from sqlglot.errors import SqlglotError

from incident_ledger.quality.compiler.typing import RuleError

BATCH = "{batch}"
_DIALECT = "bigquery"
_MOST_CHARACTERS = 100_000
# Not one of them can stand in a query; the parser lets some of them into a `with`.
_STATEMENTS = (
    exp.DML, exp.DDL, exp.Command, exp.Drop, exp.Alter, exp.TruncateTable, exp.Into, exp.Lock, exp.Set, exp.Use,
)  # fmt: skip
# What may be another value for the same rows.
_UNSTEADY = (
    exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentUser, exp.SessionUser,
    exp.Rand, exp.Uuid, exp.Anonymous,
)  # fmt: skip
_PARAMETERS = (exp.Parameter, exp.Placeholder, exp.SessionParameter)


@dataclass(frozen=True)
class OwnQuery:
    """The query of a rule, whose rows break it. `batch_name` stands where the text has `{batch}`."""

    tree: Any
    batch_name: str

    @classmethod
    def read(cls, text: str) -> "OwnQuery":
        """The query of `text`. Raises `RuleError` for what is not one query that reads `{batch}`."""
        if BATCH not in text:
            raise RuleError("unexpected_rows_query must read from {batch}: only that is kept to the days checked")
        if len(text) > _MOST_CHARACTERS:
            raise RuleError(f"unexpected_rows_query has {len(text):,} characters, more than {_MOST_CHARACTERS:,}")
        name = "own_batch"
        while name in text.lower():
            name += "_"
        query = cls(_one_query(text.replace(BATCH, name)), name)
        # Anywhere else (in a text, as the name of a column's table) it would be another thing than a table.
        if len(query._batches()) != _written(query.tree).count(name):
            raise RuleError("unexpected_rows_query: {batch} can stand only where a table does: `from {batch} as b`")
        return query

    @property
    def filter(self) -> str | None:
        """The condition, if the query does nothing but filter its batch: it then needs no statement of its own."""
        tree, where = self.tree, self.tree.args.get("where")
        parts = {name for name, value in tree.args.items() if value}
        if not isinstance(tree, exp.Select) or parts - {"expressions", "from_", "where", "kind"} or where is None:
            return None
        source = tree.args["from_"].this
        is_whole = tree.is_star and len(tree.expressions) == 1 and isinstance(tree.expressions[0], exp.Star)
        if not is_whole or tree.args.get("kind") or tree.expressions[0].args.get("except_"):
            return None
        if source not in self._batches() or source.alias or source.args.get("joins"):
            return None
        is_plain = not where.find(exp.Query, exp.Window, exp.AggFunc)
        return _written(where.this) if is_plain and not _is_qualified(where) else None

    @property
    def reads_batch_alone(self) -> bool:
        """Whether equal batches give equal rows: it reads no other table and no clock, and calls nothing unknown."""
        names = {cte.alias_or_name for cte in self.tree.find_all(exp.CTE)}
        own = {id(table) for table in self._batches()}
        others = [table for table in self.tree.find_all(exp.Table) if id(table) not in own]
        return all(each.name in names and not each.db for each in others) and self.tree.find(*_UNSTEADY) is None

    def over(self, batch: str) -> str:
        """The query as SQL, with `batch` (a SELECT) in the place of `{batch}`."""
        return _written(self.tree, pretty=True).replace(self.batch_name, f"({batch})")

    def _batches(self) -> list[Any]:
        return [table for table in self.tree.find_all(exp.Table) if table.name == self.batch_name and not table.db]


def _one_query(text: str) -> Any:
    try:
        trees = [tree for tree in parse(text, read=_DIALECT) if not isinstance(tree, exp.Semicolon | None)]
        found = _refused(trees)
        is_stable = found is not None or _written(parse(_written(trees[0]), read=_DIALECT)[0]) == _written(trees[0])
    except (SqlglotError, RecursionError, ValueError) as error:
        lines = str(error).splitlines()
        words = (
            "its brackets are too deep" if isinstance(error, RecursionError) else lines[0] if lines else "it is empty"
        )
        raise RuleError(f"its own SQL cannot be read as one SELECT: {words[:200]}") from None
    if found or not is_stable:
        raise RuleError(f"its own SQL is not one SELECT: {found or 'it has another meaning when it is read again'}")
    return trees[0]


def _refused(trees: list[Any]) -> str | None:
    """Why these statements are not one query that only reads; None when they are."""
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return f"it has {len(trees)} statements" if len(trees) != 1 else "it is another statement"
    tree = trees[0]
    functions = [
        table.this for table in tree.find_all(exp.Table) if not isinstance(table.this, exp.Identifier | exp.Dot)
    ]
    reasons = (
        (tree.find(*_STATEMENTS), "it has a statement that is not a query"),
        (any(not isinstance(cte.this, exp.Query) for cte in tree.find_all(exp.CTE)), "a `with` of it is not a query"),
        (tree.find(*_PARAMETERS), "it has a parameter or a variable"),
        (functions, "it reads from a function: only tables and unnest can be read"),
    )
    return next((reason for is_so, reason in reasons if is_so), None)


def _is_qualified(where: Any) -> bool:
    """Whether a column is named with its table, which has another name in the statement."""
    return any(column.table for column in where.find_all(exp.Column))


def _written(tree: Any, *, pretty: bool = False) -> str:
    return str(tree.sql(dialect=_DIALECT, comments=False, pretty=pretty))
