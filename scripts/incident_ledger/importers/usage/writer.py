"""The statements that land a load: records by one MERGE, what they take back by another, then the days by a third."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from incident_ledger.importers.usage.extraction import Batch, UsageRecord
from incident_ledger.importers.usage.schemas import Report
from incident_ledger.ledger.events import canonical, timestamp
from incident_ledger.warehouse import Warehouse, scratch
from incident_ledger.warehouse.scratch import MAX_REQUEST_BYTES

_DAYS_A_STATEMENT = 10_000  # each with the name of its file: far below what a request may hold
RETRACTED = "null"  # the record of a row that takes its key back; staging leaves such a key out

# A record is new when the newest one of its key that was exported no later says something else. So the same file again
# adds nothing, a correction adds a row, and a correction taken back adds one more. The literal days prune.
_RECORDS = """
    merge {records} as landed
    using (
        select
            json_value(item, '$.record_key') as record_key,
            date(json_value(item, '$.day')) as day,
            json_value(item, '$.record') as record,
            timestamp(json_value(item, '$.exported_at')) as exported_at,
            json_value(item, '$.file') as file,
            cast(json_value(item, '$.line') as int64) as line
        from {items}
        left join (
            select record_key, record, exported_at, loaded_at, file, line
            from {records}
            where source = @source and day between @first_day and @last_day
        ) as earlier
            on
                json_value(item, '$.record_key') = earlier.record_key
                and timestamp(json_value(item, '$.exported_at')) >= earlier.exported_at
        where true
        qualify
            row_number() over (
                partition by json_value(item, '$.record_key')
                order by
                    earlier.exported_at desc, earlier.loaded_at desc, earlier.file desc, earlier.line desc,
                    earlier.record desc
            ) = 1
            and (earlier.record is null or earlier.record != json_value(item, '$.record'))
    ) as said
    on
        landed.day between @first_day and @last_day
        and landed.source = @source
        and landed.record_key = said.record_key
        and landed.exported_at = said.exported_at
        and landed.record = said.record
    when not matched then insert (source, record_key, day, record, exported_at, loaded_at, file, line)
    values (
        @source, said.record_key, said.day, said.record, said.exported_at, @loaded_at, said.file, said.line
    )
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
        said as (
            select
                date(json_value(item, '$.day')) as day,
                json_value(item, '$.file') as file,
                timestamp(json_value(item, '$.exported_at')) as exported_at
            from unnest(json_query_array(parse_json(@days))) as item
        ),
        {noted},
        held as (
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
            held.record_key,
            held.day,
            held.line,
            json_value(held.record, '$.{export_of}') as export_of,
            coalesce(newest.is_complete, true) as was_complete
        from held
        inner join unnoted on held.day = unnoted.day
        inner join said
            on unnoted.day = said.day and unnoted.file = said.file and held.exported_at <= said.exported_at
        left join newest on held.day = newest.day
        where held.record != 'null' and concat({names}) = ''
"""

# A day is noted when records of it are landed that no row speaks of yet (so a load that died between the two statements
# is mended by the same file again), or when it became complete or incomplete. `recorded_at` is the warehouse's clock,
# and never before `loaded_at` or the day: a filter on it prunes, and whoever asks for newer loads or days loses none.
_DAYS = """
    merge {loads} as noted
    using (
        with said as (
            select
                date(json_value(item, '$.day')) as day,
                json_value(item, '$.file') as file,
                json_value(item, '$.is_complete') = 'true' as is_complete
            from unnest(json_query_array(parse_json(@days))) as item
        ),
        {noted}
        select
            said.day,
            said.file,
            said.is_complete,
            coalesce(unnoted.loaded_at, @loaded_at) as loaded_at,
            coalesce(unnoted.records, 0) as records
        from said
        left join unnoted on said.day = unnoted.day and said.file = unnoted.file
        left join newest on said.day = newest.day
        where unnoted.day is not null or newest.day is null or newest.is_complete != said.is_complete
    ) as found
    on
        noted.source = @source
        and noted.day = found.day
        and noted.file = found.file
        and noted.loaded_at = found.loaded_at
        and noted.records = found.records
        and noted.is_complete = found.is_complete
    when not matched then insert (load_id, source, day, records, loaded_at, is_complete, file, recorded_at)
    values (
        to_hex(md5(concat(
            @source, '|', cast(found.day as string), '|', found.file, '|', cast(found.records as string), '|',
            cast(unix_micros(found.loaded_at) as string), '|', cast(found.is_complete as string)
        ))),
        @source, found.day, found.records, found.loaded_at, found.is_complete, found.file,
        greatest(current_timestamp(), found.loaded_at, timestamp(found.day))
    )
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
    new = _land_rows(warehouse, [_row(record) for record in records], params, max_bytes)
    gone = _gone(warehouse, report, batch, params)
    retracted = _land_rows(warehouse, gone, params, max_bytes) if gone else 0
    touched = sorted({(record.day, record.file) for record in records})
    said = [
        {"day": day.isoformat(), "file": file, "is_complete": "false" if day in batch.incomplete_days else "true"}
        for day, file in touched
    ]
    for start in range(0, len(said), _DAYS_A_STATEMENT):
        part = said[start : start + _DAYS_A_STATEMENT]
        warehouse.execute(_sql(warehouse, _DAYS), params | {"days": canonical(part)})
    return Landed(new=new, retracted=retracted)


def _gone(warehouse: Warehouse, report: Report, batch: Batch, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows that take back the nameless records which a whole export of their day does not hold any more.

    What was refused may be one of them, a record that stands alone is no export, and a lone page after an incomplete
    one may be the last of that: none says that anything is gone. A named record is never taken back.
    """
    exports: dict[date, list[UsageRecord]] = {}
    for record in batch.records.values():
        if record.day not in batch.incomplete_days | batch.loose_days:
            exports.setdefault(record.day, []).append(record)
    if not report.named_by or batch.rejects or not exports:
        return []
    exported_at = {day: min(record.exported_at for record in members) for day, members in exports.items()}
    said = [
        {"day": day.isoformat(), "file": file, "exported_at": timestamp(exported_at[day])}
        for day, members in exports.items()
        for file in sorted({record.file for record in members})
    ]
    names = ", ".join(f"coalesce(json_value(held.record, '$.{path}'), '')" for path in report.named_by)
    sql = _sql(warehouse, _NAMELESS, names=names, export_of=report.export_of)
    gone = []
    for row in warehouse.rows(sql, params | {"days": canonical(said)}):
        members = exports[row["day"]]
        is_whole = row["was_complete"] or len({(record.file, record.line) for record in members}) > 1
        is_of_it = row["export_of"] in {record.body.get(report.export_of) for record in members}
        if is_whole and is_of_it and row["record_key"] not in batch.records:
            # The line after its own: of two rows with the same times and file, the later line counts.
            where = {"file": members[0].file, "line": row["line"] + 1}
            when = {"day": row["day"].isoformat(), "exported_at": timestamp(exported_at[row["day"]])}
            gone.append({"record_key": row["record_key"], "record": RETRACTED, **when, **where})
    return gone


def _land_rows(warehouse: Warehouse, rows: Sequence[dict[str, Any]], params: dict[str, Any], max_bytes: int) -> int:
    with scratch.batch(warehouse, [canonical(row) for row in rows], max_bytes) as (items, texts):
        return warehouse.execute(_sql(warehouse, _RECORDS, items=items), params | texts)


def _sql(warehouse: Warehouse, statement: str, **more: str) -> str:
    tables = {"records": warehouse.raw("usage_records"), "loads": warehouse.raw("usage_loads")}
    return statement.format(**tables, noted=_NOTED.format(**tables), **more)


def _row(record: UsageRecord) -> dict[str, Any]:
    return {
        "record_key": record.key,
        "day": record.day.isoformat(),
        "record": canonical(record.body),
        "exported_at": timestamp(record.exported_at),
        "file": record.file,
        "line": record.line,
    }
