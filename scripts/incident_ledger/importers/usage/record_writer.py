"""The statements that land a load: records by one MERGE, what they take back by another, then the days by a third."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from incident_ledger.encoding import canonical
from incident_ledger.importers.usage.extraction import Batch, UsageRecord
from incident_ledger.importers.usage.schemas import Report
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import MAX_REQUEST_BYTES, bound_rows, merge_query
from incident_ledger.warehouse.tables import USAGE_LOADS, USAGE_RECORDS, names

RETRACTED = "null"  # the record of a row that takes its key back; staging leaves such a key out

# A record is new when the newest one of its key that was exported no later has other content. So the same file again
# adds nothing, a correction adds a row, and a correction taken back adds one more. The literal days prune.
_RECORDS = """
    select new_rows.*
    from ({new_rows}) as new_rows
    left join (
        select record_key, record, exported_at, loaded_at, file, line
        from {records}
        where source = @source and day between @first_day and @last_day
    ) as earlier
        on new_rows.record_key = earlier.record_key and new_rows.exported_at >= earlier.exported_at
    where true
    qualify
        row_number() over (
            partition by new_rows.record_key
            order by
                earlier.exported_at desc, earlier.loaded_at desc, earlier.file desc, earlier.line desc,
                earlier.record desc
        ) = 1
        and (earlier.record is null or earlier.record != new_rows.record)
"""

# What was noted of each day, and the records that were landed and not noted yet: of this load, or of one that died.
_NOTED = """
        landed as (
            select day, file, loaded_at, count(*) as records
            from {records}
            where source = @source and day between @first_day and @last_day
            group by day, file, loaded_at
        ),
        earlier as (
            select day, file, loaded_at, records, is_complete
            from {loads}
            where source = @source and day between @first_day and @last_day
        ),
        newest as (
            select day, is_complete
            from earlier
            where true
            qualify row_number() over (partition by day order by loaded_at desc, is_complete desc) = 1
        ),
        unnoted as (
            select landed.day, landed.file, landed.loaded_at, landed.records
            from landed
            left join earlier
                on
                    landed.day = earlier.day
                    and landed.file = earlier.file
                    and landed.loaded_at = earlier.loaded_at
                    and landed.records = earlier.records
            where earlier.day is null
        )
"""

# A nameless record that got its name has another key since, and would count beside the named one. So where an export
# brings something new of a day, the nameless ones that it could hold are asked for; those that it does not are gone.
_NAMELESS = """
    with
        touched as ({new_rows}),
        {noted},
        current_records as (
            select record_key, day, record, exported_at, line
            from {records}
            where source = @source and day between @first_day and @last_day
            qualify
                row_number() over (
                    partition by day, record_key
                    order by exported_at desc, loaded_at desc, file desc, line desc, record desc
                ) = 1
        )
        select distinct
            current_records.record_key,
            current_records.day,
            current_records.line,
            json_value(current_records.record, '$.{export_of}') as export_of,
            coalesce(newest.is_complete, true) as was_complete
        from current_records
        inner join unnoted on current_records.day = unnoted.day
        inner join touched
            on
                unnoted.day = touched.day
                and unnoted.file = touched.file
                and current_records.exported_at <= touched.exported_at
        left join newest on current_records.day = newest.day
        where current_records.record != 'null' and concat({names}) = ''
"""

# A day is noted when records of it are landed and noted by no row yet (so the same file again
# completes a load that died between the two statements), or when it became complete or incomplete. `recorded_at` is the
# warehouse's clock, and never before `loaded_at` or the day: a filter on it prunes, and whoever asks for newer loads or
# days loses none.
_DAYS = """
    with
        touched as ({new_rows}),
        {noted},
        changed as (
            select
                touched.day,
                touched.file,
                touched.is_complete,
                coalesce(unnoted.loaded_at, @loaded_at) as loaded_at,
                coalesce(unnoted.records, 0) as records
            from touched
            left join unnoted on touched.day = unnoted.day and touched.file = unnoted.file
            left join newest on touched.day = newest.day
            where unnoted.day is not null or newest.day is null or newest.is_complete != touched.is_complete
        )
        select
            *,
            to_hex(md5(concat(
                @source, '|', cast(day as string), '|', file, '|', cast(records as string), '|',
                cast(unix_micros(loaded_at) as string), '|', cast(is_complete as string)
            ))) as load_id,
            @source as source,
            greatest(current_timestamp(), loaded_at, timestamp(day)) as recorded_at
        from changed
"""


@dataclass(frozen=True, kw_only=True)
class Landed:
    """How many records were new or corrected, and how many nameless ones were taken back."""

    new: int = 0
    retracted: int = 0


def land(
    warehouse: Warehouse, report: Report, batch: Batch, loaded_at: datetime, *, max_bytes: int = MAX_REQUEST_BYTES
) -> Landed:
    """Write the records that are new or corrected, take back what is gone, then note which days were touched."""
    records = list(batch.records.values())
    if not records:
        return Landed()
    days = [record.day for record in records]
    params: dict[str, Any] = {
        "source": report.name, "loaded_at": loaded_at, "first_day": min(days), "last_day": max(days)
    }  # fmt: skip
    rows = [_row(record) for record in records]
    new = _land_rows(warehouse, rows, params, max_bytes)
    gone = _gone(warehouse, report, batch, params)
    retracted = _land_rows(warehouse, gone, params, max_bytes) if gone else 0
    touched = [
        {"day": day, "file": file, "is_complete": day not in batch.incomplete_days}
        for day, file in sorted({(record.day, record.file) for record in records})
    ]
    with bound_rows(warehouse, USAGE_LOADS, touched, max_bytes=max_bytes) as (new_rows, bound):
        sql = _sql(warehouse, _DAYS, new_rows=new_rows)
        merge_query(warehouse, USAGE_LOADS, sql, columns=names(USAGE_LOADS), params=params | bound)
    return Landed(new=new, retracted=retracted)


def _gone(warehouse: Warehouse, report: Report, batch: Batch, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows that take back the nameless records which a whole export of their day does not hold any more.

    What was refused may be one of them, a record that stands alone is not an export, and a lone page after an
    incomplete one may be the last of that: none proves that anything is gone. A named record is never taken back.
    """
    exports: dict[date, list[UsageRecord]] = {}
    for record in batch.records.values():
        if record.day not in batch.incomplete_days | batch.loose_days:
            exports.setdefault(record.day, []).append(record)
    if not report.named_by or batch.rejects or not exports:
        return []
    exported_at = {day: min(record.exported_at for record in members) for day, members in exports.items()}
    touched = [
        {"day": day, "file": file, "exported_at": exported_at[day]}
        for day, members in exports.items()
        for file in sorted({record.file for record in members})
    ]
    parts = ", ".join(f"coalesce(json_value(current_records.record, '$.{path}'), '')" for path in report.named_by)
    with bound_rows(warehouse, USAGE_RECORDS, touched) as (new_rows, bound):
        sql = _sql(warehouse, _NAMELESS, new_rows=new_rows, names=parts, export_of=report.export_of)
        nameless = warehouse.rows(sql, params | bound)
    gone = []
    for row in nameless:
        members = exports[row["day"]]
        is_whole = row["was_complete"] or len({(record.file, record.line) for record in members}) > 1
        is_of_it = row["export_of"] in {record.body.get(report.export_of) for record in members}
        if is_whole and is_of_it and row["record_key"] not in batch.records:
            # The line after its own: of two rows with the same times and file, the later line counts.
            where = {"file": members[0].file, "line": row["line"] + 1}
            when = {"day": row["day"], "exported_at": exported_at[row["day"]]}
            gone.append({"record_key": row["record_key"], "record": RETRACTED, **when, **where})
    return gone


def _land_rows(warehouse: Warehouse, rows: Sequence[dict[str, Any]], params: dict[str, Any], max_bytes: int) -> int:
    rows = [row | {"source": params["source"], "loaded_at": params["loaded_at"]} for row in rows]
    with bound_rows(warehouse, USAGE_RECORDS, rows, max_bytes=max_bytes) as (new_rows, bound):
        return merge_query(
            warehouse,
            USAGE_RECORDS,
            _sql(warehouse, _RECORDS, new_rows=new_rows),
            columns=tuple(rows[0]),
            on="target.day between @first_day and @last_day and target.source = @source",
            params=params | bound,
        )


def _sql(warehouse: Warehouse, statement: str, **more: str) -> str:
    tables = {"records": warehouse.raw("usage_records"), "loads": warehouse.raw("usage_loads")}
    return statement.format(**tables, noted=_NOTED.format(**tables), **more)


def _row(record: UsageRecord) -> dict[str, Any]:
    return {
        "record_key": record.key,
        "day": record.day,
        "record": canonical(record.body),
        "exported_at": record.exported_at,
        "file": record.file,
        "line": record.line,
    }
