"""Fixes to load jobs. Seen in bqemulator 1.4.0."""

import contextvars
import json
from pathlib import Path
from typing import Any

from bqemulator.api.routes import upload
from bqemulator.domain.errors import ValidationError
from bqemulator.jobs import executor

from incident_ledger.warehouse.local.patches.jobs import refuse_known_job


def any_media_type() -> None:
    """`load_table_from_json` and `load_table_from_dataframe` are refused for the content type `*/*` of their file."""
    upload._PERMITTED_MEDIA_CONTENT_TYPES += ("*/*",)


def uploads_keep_their_job_id() -> None:
    """An uploaded load job gets an id of the server's own: sent again after a lost answer, it loads twice."""
    configuration_of, run_load, new_job_id = (
        upload._load_configuration_from_envelope,
        upload._run_load,
        upload._new_job_id,
    )
    current: contextvars.ContextVar[str | None] = contextvars.ContextVar("current", default=None)

    def configuration(envelope: dict[str, Any]) -> dict[str, Any]:
        return {**configuration_of(envelope), "jobId": envelope.get("jobReference", {}).get("jobId")}

    async def run(*, project_id: str, configuration: dict[str, Any], media_path: str, ctx: Any) -> Any:
        job = configuration.pop("jobId", None)
        if job:
            refuse_known_job(ctx, project_id, job)
        token = current.set(job)
        try:
            return await run_load(project_id=project_id, configuration=configuration, media_path=media_path, ctx=ctx)
        finally:
            current.reset(token)

    upload._load_configuration_from_envelope = configuration
    upload._run_load = run
    upload._new_job_id = lambda: current.get() or new_job_id()


def all_or_nothing() -> None:
    """WRITE_TRUNCATE empties the table before it reads the file, and a bad file leaves it empty."""
    dispose, load = executor._apply_load_write_disposition, executor._load_path_into_target
    left: dict[int, int] = {}  # files still to load, by job: one transaction around all of them

    def begin(job: Any, ctx: Any) -> None:
        ctx.engine.execute("BEGIN")
        try:
            dispose(job, ctx)
        except BaseException:
            ctx.engine.execute("ROLLBACK")
            raise
        left[id(job)] = len(job.source_uris)
        if not job.source_uris:
            ctx.engine.execute("COMMIT")

    def commit(path: str, job: Any, ctx: Any) -> None:
        try:
            load(path, job, ctx)
            left[id(job)] -= 1
            if left[id(job)] == 0:
                ctx.engine.execute("COMMIT")
        except BaseException:
            left.pop(id(job), None)
            ctx.engine.execute("ROLLBACK")
            raise

    executor._apply_load_write_disposition, executor._load_path_into_target = begin, commit


def parquet_by_name() -> None:
    """The columns of a Parquet file are taken by position, whatever their names."""

    def load(path: str, target: str, ctx: Any) -> None:
        ctx.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])  # noqa: S608 - quoted

    executor._load_parquet = load
    executor._LOAD_FORMAT_HANDLERS["PARQUET"] = load


def csv_skips_its_leading_rows() -> None:
    """Exactly one line of a CSV file is skipped, whatever `skipLeadingRows` says (BigQuery's default is none)."""
    load = executor._load_path_into_target

    def skipping(path: str, job: Any, ctx: Any) -> None:
        skip = int(job.raw_config.get("skipLeadingRows") or 0)
        if job.source_format != "CSV" or job.raw_config.get("autodetect") or skip == 1:
            load(path, job, ctx)
        else:
            ctx.engine.execute(f"COPY {job.target_ref} FROM ? (FORMAT CSV, HEADER false, SKIP {skip})", [path])

    executor._load_path_into_target = skipping


def json_lines_are_checked() -> None:
    """JSON lines with an unknown field or without a REQUIRED one are loaded without a word; case matters.

    Numbers of NUMERIC columns go through a double, and BYTES are taken for text instead of base64.
    """
    load = executor._load_path_into_target

    def checked(path: str, job: Any, ctx: Any) -> None:
        table = ctx.catalog.get_table(job.project_id, job.dataset_id, job.table_id)
        if job.source_format == "NEWLINE_DELIMITED_JSON" and table is not None and table.schema_ is not None:
            lenient = bool(job.raw_config.get("ignoreUnknownValues"))
            _check_lines(Path(path), table.schema_.fields, lenient=lenient)
            coded = {item.name for item in table.schema_.fields if item.type == "BYTES" and item.mode != "REPEATED"}
            if coded:
                _load_with_bytes(path, job.target_ref, coded, ctx)
                return
        load(path, job, ctx)

    executor._load_path_into_target = checked


def _load_with_bytes(path: str, target: str, coded: set[str], ctx: Any) -> None:
    described = ctx.engine.execute(f"DESCRIBE {target}").fetchall()
    kinds = {name: "VARCHAR" if name in coded else kind.replace("'", "''") for name, kind, *_rest in described}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items())
    decoded = ", ".join(f'from_base64("{name}") AS "{name}"' for name in sorted(coded))
    source = f"read_json(?, format = 'newline_delimited', columns = {{{columns}}})"
    sql = f"INSERT INTO {target} BY NAME SELECT * REPLACE ({decoded}) FROM {source}"  # noqa: S608 - the table's own
    ctx.engine.execute(sql, [path])


class _Number(float):
    """A number with a point, and the text that it was written as."""

    text: str


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _check_lines(path: Path, fields: Any, *, lenient: bool) -> None:
    names = {field.name.lower(): field.name for field in fields}
    required = [field.name for field in fields if field.mode == "REQUIRED"]
    exact = {field.name for field in fields if field.type in {"NUMERIC", "BIGNUMERIC"}}
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        record = json.loads(line, parse_float=_number)
        row = {names.get(key.lower(), key): value for key, value in record.items()}
        unknown = [key for key in row if key.lower() not in names]
        if unknown and not lenient:
            raise ValidationError(f"Error while reading data, line {number}: No such field: {unknown[0]}.")
        missing = [name for name in required if row.get(name) is None]
        if missing:
            raise ValidationError(f"Error while reading data, line {number}: Missing required field: {missing[0]}.")
        for name in exact & row.keys():
            # As a JSON number it would go through a double.
            row[name] = row[name].text if isinstance(row[name], _Number) else row[name]
        rows.append(json.dumps(row))
    path.write_text("\n".join(rows))
