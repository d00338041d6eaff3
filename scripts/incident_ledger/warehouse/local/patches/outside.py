"""Nothing that a statement says reaches what is outside of the database. Seen in bqemulator 1.4.0.

Two walls. DuckDB itself is closed once its extensions are loaded: no file but its own, no network, no extension, no
other database, and no setting that opens it again; a view or a function of an older data file meets this wall, too. And
what is no GoogleSQL is refused by name before DuckDB sees it: its own kinds of statement, its functions in place of a
table, and tables named like a file. What is uploaded is read by a connection of its own, in no statement's reach.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import bqemulator.api.routes.jobs as job_routes
import duckdb
import sqlglot
import sqlglot.expressions as exp
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.domain.result import Err
from bqemulator.jobs import executor
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine
from sqlglot.errors import SqlglotError

_CLOSED = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",  # a table's name is no variable of the server's code
    "SET python_scan_all_frames = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
# What sqlglot reads and BigQuery has no statement for, and BigQuery's own that read or write files.
_KINDS = (
    exp.Analyze, exp.Attach, exp.Cache, exp.Copy, exp.Describe, exp.Detach, exp.Export, exp.Install, exp.Kill,
    exp.LoadData, exp.Pragma, exp.Refresh, exp.Set, exp.Show, exp.Uncache, exp.Use,
)  # fmt: skip
# Of what sqlglot does not read to its end, BigQuery's.
_COMMAND = re.compile(
    r"(?:alter|grant|revoke|(?:create|drop)(?!.{0,40}\b(?:secret|macro|type|extension)\b))\b", re.I | re.S
)
_TABLE_FUNCTIONS = {"UNNEST", "GENERATE_SERIES", "RANGE", "GENERATE_ARRAY", "VALUES"}
_SCALARS = {"GETENV", "GETVARIABLE", "WRITE_LOG", "QUERY", "QUERY_TABLE"}
_NO_NAME = set("/\\:'\"\n")


def closed_database() -> None:
    """A statement reads and writes any file of the machine, fetches addresses and loads extensions."""
    start = DuckDBEngine.start

    async def start_closed(self: Any) -> None:
        await start(self)
        for statement in _CLOSED:
            self._connection.execute(statement)

    DuckDBEngine.start = start_closed


def only_googlesql() -> None:
    """DuckDB's own statements and table functions are passed on: COPY, ATTACH, `read_text('/etc/passwd')`."""
    translate = SQLTranslator.translate

    def checked(self: Any, bq_sql: str, **options: Any) -> Any:
        refused = foreign(bq_sql)
        if refused is not None:
            return Err(
                InvalidQueryError(
                    f"The local warehouse refuses {refused}: it may reach what is outside of the database."
                )
            )
        return translate(self, bq_sql, **options)

    SQLTranslator.translate = checked


def foreign(sql: str) -> str | None:
    """What of a statement is no GoogleSQL and may reach out of the database; None when nothing is."""
    try:
        trees = sqlglot.parse(sql, read="bigquery")
    except SqlglotError:
        return None  # the one that translates it raises
    return next(
        (found for tree in trees if tree is not None for node in tree.walk() if (found := _foreign(node))), None
    )


def _foreign(node: Any) -> str | None:
    if isinstance(node, _KINDS):
        return f"the statement {node.key.upper()}"
    if isinstance(node, exp.Command) and not _COMMAND.match(f"{node.this} {node.expression}"):
        return f"the statement {str(node.this).upper()}"
    if isinstance(node, exp.ExternalProperty):
        return "a table over files"
    if isinstance(node, exp.Table):
        return _foreign_table(node)
    if isinstance(node, exp.Anonymous) and node.name.upper() in _SCALARS:
        return f"the function {node.name}"
    return None


def _foreign_table(table: exp.Table) -> str | None:
    this = table.this
    if isinstance(this, exp.Func):
        name = this.name if isinstance(this, exp.Anonymous) else this.sql_name()
        # A function of somebody's own has a dataset.
        return None if table.args.get("db") or name.upper() in _TABLE_FUNCTIONS else f"the table function {name}"
    parts = [part.name for part in table.parts]
    if isinstance(this, exp.Literal) or any(_NO_NAME & set(part) for part in parts):
        return f"the table {'.'.join(parts)!r}"
    return None


def no_files_by_address() -> None:
    """Load jobs read and extract jobs write any file of the machine; a table may be declared over one."""

    def refuse(*_args: Any, **_options: Any) -> Any:
        raise InvalidQueryError(
            "The local warehouse reads and writes no files by their addresses. `incident-ledger warehouse load` sends "
            "a file, and `incident-ledger sql --format` gives the rows of a table."
        )

    async def refuse_job(*_args: Any, **_options: Any) -> Any:
        refuse()

    job_routes.execute_load_job = refuse_job
    job_routes.execute_extract_job = refuse_job
    executor._execute_export_data_job = refuse_job
    executor.write_export = refuse


def uploads_are_read_apart() -> None:
    """What is uploaded is read by the database that statements use, which must therefore read files."""
    load, infer = executor._load_path_into_target, executor._infer_autodetect_schema

    def load_apart(path: str, job: Any, ctx: Any) -> None:
        load(path, job, _Context(ctx, _Apart(ctx.engine, job.target_ref)))

    def infer_apart(ctx: Any, target: str, uris: list[str], kind: str) -> Any:
        return infer(_Context(ctx, _Apart(ctx.engine, target)), target, uris, kind)

    executor._load_path_into_target, executor._infer_autodetect_schema = load_apart, infer_apart
    # The paths of uploads are bound, and the folder above them may have any name.
    executor._validate_local_path = lambda _path: None


class _Context:
    """The emulator's context with another engine."""

    def __init__(self, ctx: Any, engine: Any) -> None:
        self._ctx = ctx
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


class _Apart:
    """Stands for the engine where a file is read into a table: that is done in a database of its own, in memory.

    There a table like the target takes the rows, so that its types rule the reading as they did, and they are brought
    over in one stream.
    """

    def __init__(self, engine: Any, target: str) -> None:
        self._engine = engine
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def execute(self, sql: str, parameters: list[Any] | None = None) -> Any:
        """A statement; one with a parameter, which is the path, is done apart."""
        if not parameters:
            return self._engine.execute(sql)
        is_new = sql.startswith("CREATE TABLE")
        columns = "" if is_new else self._columns(self._engine)
        with _database(_extensions(sql, columns)) as apart:
            apart.execute(f"CREATE SCHEMA {self._target[: self._target.index('.')]}")
            if is_new:
                apart.execute(sql, parameters)
                return self._engine.execute(f"CREATE TABLE {self._target} ({self._columns(apart)})")
            apart.execute(f"CREATE TABLE {self._target} ({columns})")
            apart.execute(sql, parameters)
            rows = apart.execute(f"FROM {self._target}").fetch_record_batch()
            self._engine.connection.register("_uploaded", rows)
            try:
                return self._engine.execute(f"INSERT INTO {self._target} FROM _uploaded")
            finally:
                self._engine.connection.unregister("_uploaded")

    def _columns(self, database: Any) -> str:
        """The columns of the target there, as a definition."""
        described = database.execute(f"DESCRIBE {self._target}").fetchall()
        return ", ".join(
            '"{}" {}{}'.format(name.replace('"', '""'), kind, f" DEFAULT ({default})" if default else "")
            for name, kind, _null, _key, default, _extra in described
        )


def _extensions(sql: str, columns: str) -> list[str]:
    """Those that the statement needs: to load `spatial` takes ten times as long as all else."""
    needed = {"avro": "read_avro" in sql, "spatial": "GEOMETRY" in columns or (not columns and "read_parquet" in sql)}
    return [name for name, is_needed in needed.items() if is_needed]


@contextmanager
def _database(extensions: Sequence[str]) -> Iterator[Any]:
    """An empty database in memory, with the same limit."""
    with duckdb.connect(":memory:") as database:
        DuckDBEngine._apply_session_pragmas(SimpleNamespace(_connection=database))
        for extension in extensions:
            database.execute(f"LOAD {extension}")
        yield database
