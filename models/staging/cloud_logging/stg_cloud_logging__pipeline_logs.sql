with

entries as (

    {% for table in sink_tables(source('cloud_logging', 'pipeline_logs')) -%}
        {%- set columns = sink_columns(table.relation) -%}
        select
            insertid as insert_id,
            logname as log_name,
            source.timestamp as logged_at,
            receivetimestamp as received_at,
            {{ sink_field('severity', columns) }} as severity,
            {{ sink_field('jsonPayload.operation', columns) }} as operation_name,
            {{ sink_field('jsonPayload.status', columns) }} as status,
            {{ sink_field('jsonPayload.event_type', columns) }} as event_type,
            {{ sink_field('jsonPayload.message', columns) }} as message,  -- noqa: RF04
            {{ sink_field('jsonPayload.run_id', columns) }} as run_id,
            safe_cast({{ sink_field('jsonPayload.duration_seconds', columns) }} as float64) as duration_seconds,
            {{ sink_field('jsonPayload.secret_name', columns) }} as secret_name,
            {{ sink_field('jsonPayload.principal', columns) }} as principal,
            {{ table.day }} as shard_day
        from {{ table.relation }} as source
        where source.timestamp is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}

),

final as (

    select
        {{ surrogate_key(['log_name', 'insert_id', 'unix_micros(logged_at)']) }} as log_entry_id,
        *,
        logged_at > timestamp_add(received_at, interval 5 minute) as has_future_time
    from entries
    where true
    -- A sink may write an entry twice. Its time and its shard are parts of the key so that filters prune.
    qualify
        row_number() over (
            partition by shard_day, logged_at, log_name, insert_id order by received_at
        ) = 1

)

select * from final
