with

entries as (

    {% for table in sink_tables(source('cloud_audit_logging', 'audit_logs')) -%}
        {%- set columns = sink_columns(table.relation) -%}
        select
            insertid as insert_id,
            logname as log_name,
            source.timestamp as logged_at,
            receivetimestamp as received_at,
            {{ sink_field('severity', columns) }} as severity,
            {{ sink_field('protopayload_auditlog.serviceName', columns) }} as service_name,
            {{ sink_field('protopayload_auditlog.methodName', columns) }} as method_name,
            {{ sink_field('protopayload_auditlog.resourceName', columns) }} as resource_name,
            {{ sink_field('protopayload_auditlog.authenticationInfo.principalEmail', columns) }} as principal,
            {{ sink_field('protopayload_auditlog.requestMetadata.callerIp', columns) }} as caller_ip,
            safe_cast({{ sink_field('protopayload_auditlog.status.code', columns) }} as int64) as status_code,
            {{ sink_field('protopayload_auditlog.requestJson', columns) }} as request_json,
            {{ sink_field('protopayload_auditlog.metadataJson', columns) }} as metadata_json,
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
