{%- set sink = source('cloud_logging', 'pipeline_logs') -%}
{%- set columns = sink_columns(sink) -%}

with

source as (

    select * from {{ source('cloud_logging', 'pipeline_logs') }}

),

final as (

    select
        {{ surrogate_key(['logName', 'insertId', 'unix_micros(source.timestamp)']) }} as log_entry_id,
        insertid as insert_id,
        logname as log_name,
        source.timestamp as logged_at,
        receivetimestamp as received_at,
        severity,
        {{ sink_field('jsonPayload.operation', columns) }} as operation_name,
        {{ sink_field('jsonPayload.status', columns) }} as status,
        {{ sink_field('jsonPayload.event_type', columns) }} as event_type,
        {{ sink_field('jsonPayload.message', columns) }} as message,  -- noqa: RF04
        {{ sink_field('jsonPayload.run_id', columns) }} as run_id,
        safe_cast({{ sink_field('jsonPayload.duration_seconds', columns) }} as float64) as duration_seconds,
        {{ sink_field('jsonPayload.secret_name', columns) }} as secret_name,
        {{ sink_field('jsonPayload.principal', columns) }} as principal,
        source.timestamp > timestamp_add(receivetimestamp, interval 5 minute) as has_future_time
    from source
    where source.timestamp is not null
    -- A sink may write an entry twice. Its time is part of the key so that a filter prunes.
    qualify row_number() over (partition by source.timestamp, logname, insertid order by receivetimestamp) = 1

)

select * from final
