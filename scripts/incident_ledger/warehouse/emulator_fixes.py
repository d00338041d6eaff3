"""Fixes to bqemulator 1.4.0 that were tried, as a sketch to build on: each says what it mends.

Run before `bqemulator.cli.main()` in the server's process. Seen to work together on two dbt builds, on load jobs, wildcards,
NUMERIC arithmetic and 10 million rows; not a finished module. Rewrite it as the project's own, one fix a function, each with
the version that it was seen in and a test that fails once the emulator no longer needs it.
"""

import sys

import sqlglot.expressions as exp
from duckdb_extensions import import_extension
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.optimizer.scope import traverse_scope

import_extension("spatial")  # the emulator would download it
import_extension("avro")  # package duckdb-extension-avro; load jobs of AVRO

import bqemulator.api.routes.jobs as job_routes
import bqemulator.api.routes.upload as upload
import bqemulator.jobs.executor as executor
import bqemulator.sql.rewriter.wildcard_expander as wildcards
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.domain.errors import DomainError
from bqemulator.sql.translator import SQLTranslator
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.versioning.snapshots import SnapshotManager

# load_table_from_json and load_table_from_dataframe are refused for the content type of their second part
upload._PERMITTED_MEDIA_CONTENT_TYPES += ("*/*",)

# every write copies the whole table for time travel and keeps the copy 7 days: 11 s for one row into 10 million
_capture = SnapshotManager.capture
SnapshotManager.capture = lambda self, p, d, t, *, kind="AUTO": (
    None if kind == "AUTO" else _capture(self, p, d, t, kind=kind)
)

# memory: 80 % of the machine by default, and no setting for it
_pragmas = DuckDBEngine._apply_session_pragmas


def _bounded(self):
    _pragmas(self)
    self._connection.execute("SET memory_limit='2GB'")


DuckDBEngine._apply_session_pragmas = _bounded

# WRITE_TRUNCATE empties the table before it reads the file: a bad file leaves it empty
_dispose, _load, _open = executor._apply_load_write_disposition, executor._load_path_into_target, set()


def _begin(job, ctx):
    if job.write_disposition == "WRITE_TRUNCATE":
        ctx.engine.execute("BEGIN")
        _open.add(id(job))
    _dispose(job, ctx)


def _commit(path, job, ctx):
    if id(job) not in _open:
        return _load(path, job, ctx)
    try:
        _load(path, job, ctx)
        ctx.engine.execute("COMMIT")
    except BaseException:
        ctx.engine.execute("ROLLBACK")
        raise
    finally:
        _open.discard(id(job))


executor._apply_load_write_disposition, executor._load_path_into_target = _begin, _commit

# NUMERIC without precision becomes DECIMAL(18,3): 1.123456789 is stored as 1.123
_datatype = DuckDB.Generator.datatype_sql


def _numeric(self, e):
    if not e.expressions and e.this == exp.DataType.Type.DECIMAL:
        return "DECIMAL(38, 9)"
    if not e.expressions and e.this == exp.DataType.Type.BIGDECIMAL:
        return "DECIMAL(38, 18)"
    return _datatype(self, e)


DuckDB.Generator.datatype_sql = _numeric

# div(7 + 1, 2) loses its parentheses
_paren = lambda x: exp.Paren(this=x) if isinstance(x, exp.Binary) else x
DuckDB.Generator.TRANSFORMS[exp.IntDiv] = lambda self, e: self.binary(
    exp.IntDiv(this=_paren(e.this), expression=_paren(e.expression)), "//"
)

# timestamp_diff counts boundaries crossed; BigQuery counts whole units
DuckDB.Generator.TRANSFORMS[exp.TimestampDiff] = lambda self, e: (
    f"DATE_SUB('{(e.text('unit') or 'SECOND').upper()}', "
    f"CAST({self.sql(e, 'expression')} AS TIMESTAMPTZ), CAST({self.sql(e, 'this')} AS TIMESTAMPTZ))"
)

# wildcard tables: only the first of two suffix conditions is seen, and shards are united by position
wildcards._apply_table_suffix_pushdown = lambda ids, prefix, sql: ids
_expand = wildcards.expand_wildcard_tables


def _by_name(sql, *a, **k):
    return _expand(sql, *a, **k).replace(" UNION ALL SELECT *, '", " UNION ALL BY NAME SELECT *, '")


for module in list(sys.modules.values()):
    if getattr(module, "expand_wildcard_tables", None) is _expand:
        module.expand_wildcard_tables = _by_name


# a repeated job id runs again; BigQuery answers 409
class Duplicate(DomainError):
    http_status, bq_reason, grpc_status_name = 409, "duplicate", "ALREADY_EXISTS"


def _once(execute):
    async def run(project_id, job_id, *a, **k):
        ctx = next(x for x in (*a, *k.values()) if hasattr(x, "catalog"))
        if ctx.catalog.get_job(project_id, job_id) is not None:
            raise Duplicate(f"Already Exists: Job {project_id}:US.{job_id}")
        return await execute(project_id, job_id, *a, **k)

    return run


for name in ("execute_query_job", "execute_load_job", "execute_copy_job", "execute_extract_job"):
    setattr(job_routes, name, _once(getattr(job_routes, name)))

# a column added by the tables API (dbt's append_new_columns) never reaches the table
_update = DuckDBCatalogRepository.update_table


def _with_columns(self, meta, *a, **k):
    from bqemulator.api.routes.tables import _field_to_rest
    from bqemulator.storage.type_map import bq_schema_to_duckdb_columns

    if meta.table_type == "TABLE" and meta.schema_ is not None:
        ref = f'"{meta.project_id}__{meta.dataset_id}"."{meta.table_id}"'
        have = {r[0].lower() for r in self._engine.execute(f"DESCRIBE {ref}").fetchall()}
        for column, kind in bq_schema_to_duckdb_columns([_field_to_rest(f) for f in meta.schema_.fields]):
            if column.lower() not in have:
                self._engine.execute(f'ALTER TABLE {ref} ADD COLUMN "{column}" {kind}')
    return _update(self, meta, *a, **k)


DuckDBCatalogRepository.update_table = _with_columns


# `select *` loses its RECORD columns, and names their case, when the statement holds one of about 13 functions: the translator
# rewrites the tree to learn its types. Take the types from a copy and leave the tree as written.
def _annotate(tree, schema):
    try:
        copy, low = (
            tree.copy(),
            {k.lower(): {c.lower(): v for c, v in cols.items()} for k, cols in schema.items()},
        )
        for scope in traverse_scope(copy):
            tables = {
                n.lower(): low.get(s.name.lower(), {}) for n, s in scope.sources.items() if isinstance(s, exp.Table)
            }
            for column in scope.columns:
                for columns in [tables.get(column.table.lower(), {})] if column.table else list(tables.values()):
                    kind = columns.get(column.name.lower())
                    if kind and kind != "STRUCT":
                        column.type = exp.DataType.build(kind, dialect="duckdb")
                        break
        typed = {id(n): n.type for n in copy.find_all(exp.Column) if n.type}
        for mine, theirs in zip(tree.walk(), copy.walk()):
            if isinstance(mine, exp.Column) and id(theirs) in typed:
                mine.type = typed[id(theirs)]
    except Exception:  # types are a help, not a need
        pass
    return tree


SQLTranslator._annotate_tree = staticmethod(_annotate)


# `create table t (schema) … as (select …)`, which every dbt contract on a table makes: the parentheses were not unwrapped
import bqemulator.sql.rewriter.create_table_schema_ctas as ctas

_first = ctas._first_select


def _first_select(body):
    while isinstance(body, exp.Subquery | exp.Paren):
        body = body.this
    return _first(body)


ctas._first_select = _first_select
