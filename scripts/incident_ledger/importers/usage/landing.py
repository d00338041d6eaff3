"""The two statements that land a load: records by one MERGE, then the days that it touched by another."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from incident_ledger.importers.usage.records import UsageRecord
from incident_ledger.ledger.events import canonical, timestamp
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.scratch import MAX_REQUEST_BYTES, scratch_table

# A record is new when the newest one of its key that was exported no later says something else. So the same file again
# adds nothing, a correction adds a row, and a correction taken back adds one more. The literal days prune.
_RECORDS = """
    merge {table} as landed
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
            from {table}
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


def land(
    warehouse: Warehouse,
    source: str,
    records: Sequence[UsageRecord],
    incomplete_days: set[date],
    loaded_at: datetime,
    *,
    max_bytes: int = MAX_REQUEST_BYTES,
) -> int:
    """Write the records that are new or corrected, then which days they touched; how many rows were new."""
    if not records:
        return 0
    days = [record.day for record in records]
    params: dict[str, Any] = {
        "source": source, "loaded_at": loaded_at, "first_day": min(days), "last_day": max(days)
    }  # fmt: skip
    new = _land_records(warehouse, records, params, max_bytes)
    touched = sorted({(record.day, record.file) for record in records})
    said = [
        {"day": day.isoformat(), "file": file, "is_complete": "false" if day in incomplete_days else "true"}
        for day, file in touched
    ]
    sql = _DAYS.format(records=warehouse.raw("usage_records"), loads=warehouse.raw("usage_loads"))
    warehouse.execute(sql, params | {"days": canonical(said)})
    return new


def _land_records(warehouse: Warehouse, records: Iterable[UsageRecord], params: dict[str, Any], max_bytes: int) -> int:
    items = [canonical(_row(record)) for record in records]
    table, batch = warehouse.raw("usage_records"), canonical(items)
    # The transport writes the parameter as JSON once more, and everything that is not ASCII as \uXXXX.
    if len(json.dumps(batch)) <= max_bytes:
        sql = _RECORDS.format(table=table, items="unnest(json_value_array(@records)) as item")
        return warehouse.execute(sql, params | {"records": batch})
    with scratch_table(warehouse, items) as scratch:
        return warehouse.execute(_RECORDS.format(table=table, items=scratch), params)


def _row(record: UsageRecord) -> dict[str, Any]:
    return {
        "record_key": record.key,
        "day": record.day.isoformat(),
        "record": canonical(record.body),
        "exported_at": timestamp(record.exported_at),
        "file": record.file,
        "line": record.line,
    }
