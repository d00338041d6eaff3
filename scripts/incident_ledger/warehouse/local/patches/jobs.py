"""Fixes to the jobs API: errors that are reported, and jobs that run once. Seen in bqemulator 1.4.0."""

import re
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import bqemulator.api.routes.jobs as job_routes
import sqlglot
import sqlglot.expressions as exp
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.jobs import error_mapper, executor
from fastapi.responses import JSONResponse
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

# What a column may be called; DuckDB's own names for expressions have parentheses, quotes or operators.
_NAME = re.compile(r"[^\W\d][\w \-]*")
_CODES = {"notFound": 404, "duplicate": 409, "accessDenied": 403}


class DuplicateJobError(DomainError):  # type: ignore[misc]
    """BigQuery's answer to a job id that it has seen."""

    http_status = 409
    bq_reason = "duplicate"
    grpc_status_name = "ALREADY_EXISTS"


def refuse_known_job(ctx: Any, project: str, job: str) -> None:
    """Raise `DuplicateJobError` when the job is there."""
    if ctx.catalog.get_job(project, job) is not None:
        raise DuplicateJobError(f"Already Exists: Job {project}:US.{job}")


def failed_query_is_an_error() -> None:
    """`jobs.query` answers HTTP 200 with no rows when the statement failed: an empty result and no error."""
    path, original = "/bigquery/v2/projects/{project_id}/queries", job_routes.query
    routes = job_routes.router.routes
    routes[:] = [route for route in routes if not (route.path == path and "POST" in route.methods)]

    async def query(
        project_id: str, request: job_routes.Request, ctx: job_routes._Ctx, caller: job_routes._Caller
    ) -> Any:
        answer = await original(project_id, request, ctx, caller)
        errors = answer.get("errors")
        if not errors:
            return answer
        code = _CODES.get(errors[0]["reason"], 400)
        body = {"error": {"code": code, "message": errors[0]["message"], "errors": errors}}
        return JSONResponse(body, status_code=code)

    job_routes.router.post("/projects/{project_id}/queries", response_model=None)(query)


def missing_datasets_are_named() -> None:
    """A CREATE in a dataset that is not there fails in DuckDB's words, with DuckDB's name for it."""
    error_mapper._SCHEMA_NOT_FOUND_RE = re.compile(r'[Ss]chema (?:with name )?"?(?P<schema>[^"\s]+)"? does not exist')


def repeated_job_id_is_refused() -> None:
    """A job sent again with the same id runs again; BigQuery answers 409, which makes a client's retry safe."""
    for name in ("execute_query_job", "execute_load_job", "execute_copy_job", "execute_extract_job"):
        setattr(job_routes, name, _once(getattr(job_routes, name)))


def _once(execute: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(project: str, job: str, *args: Any, **options: Any) -> Any:
        ctx = next(value for value in (*args, *options.values()) if hasattr(value, "catalog"))
        refuse_known_job(ctx, project, job)
        return await execute(project, job, *args, **options)

    return run


def columns_without_a_name_are_numbered() -> None:
    """A column that the query gives no name is called `count_star()` or the like; BigQuery says `f0_`, `f1_`, …."""
    original = executor.build_response_schema

    def schema(arrow_schema: Any) -> list[dict[str, Any]]:
        fields: list[dict[str, Any]] = original(arrow_schema)
        numbers = count()
        return [
            field if _NAME.fullmatch(field["name"]) else {**field, "name": f"f{next(numbers)}_"} for field in fields
        ]

    executor.build_response_schema = schema
    job_routes.build_response_schema = schema


def dry_run_executes_nothing() -> None:
    """A dry run executes what it takes for a SELECT: a script's DML too, and what it cannot parse.

    Here the statement is read, and of a single query the columns are asked for without a row. A statement whose type
    is not known is refused.
    """
    original = job_routes._dry_run_response

    async def answer(*, bq_sql: str, **request: Any) -> dict[str, Any]:
        kind = _statement_type(bq_sql)
        if kind in job_routes._DESTRUCTIVE_STATEMENT_TYPES:
            answered: dict[str, Any] = await original(bq_sql=bq_sql, **request)
        elif kind == "SELECT":
            no_row = f"select * from (\n{_without_semicolon(bq_sql)}\n) limit 0"  # noqa: S608 - seen to be one query
            answered = await original(bq_sql=no_row, **request)
        else:
            answered = await original(bq_sql="", **request)
        return answered | {"statementType": kind}

    job_routes._dry_run_response = answer


def _statement_type(sql: str) -> str:
    """BigQuery's name for what `sql` is. Raises `InvalidQueryError` when that is not known."""
    try:
        script = executor._parse_script_or_raise(sql)
        trees = [tree for tree in sqlglot.parse(sql, read="bigquery") if not isinstance(tree, exp.Semicolon | None)]
    except (SqlglotError, RecursionError) as error:
        raise InvalidQueryError(f"Syntax error: {str(error).splitlines()[0][:200]}") from error
    if not trees:
        raise InvalidQueryError("Empty query")
    if len(script.statements) != 1 or not isinstance(script.statements[0], executor.SqlStmt) or len(trees) != 1:
        return str(executor.classify_create_routine(script)) or "SCRIPT"
    if isinstance(trees[0], exp.Query):
        if trees[0].find(exp.DML, exp.DDL, exp.Command):
            raise InvalidQueryError("Syntax error: a query cannot hold another statement")
        return "SELECT"
    kind = str(executor.classify_statement_type(sql))
    if not kind:
        raise InvalidQueryError("the local warehouse cannot determine what this statement does; it is not dry-run")
    return kind


def _without_semicolon(sql: str) -> str:
    tokens = sqlglot.tokenize(sql, read="bigquery")
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        sql = sql[: tokens.pop().start]
    return sql
