{%- set sink = source('cloud_audit_logging', 'audit_logs') -%}
{%- set columns = sink_columns(sink) -%}

with

source as (

    select * from {{ source('cloud_audit_logging', 'audit_logs') }}

),

final as (

    select
        {{ surrogate_key(['logName', 'insertId', 'unix_micros(source.timestamp)']) }} as log_entry_id,
        insertid as insert_id,
        logname as log_name,
        source.timestamp as logged_at,
        receivetimestamp as received_at,
        severity,
        {{ sink_field('protopayload_auditlog.serviceName', columns) }} as service_name,
        {{ sink_field('protopayload_auditlog.methodName', columns) }} as method_name,
        {{ sink_field('protopayload_auditlog.resourceName', columns) }} as resource_name,
        {{ sink_field('protopayload_auditlog.authenticationInfo.principalEmail', columns) }} as principal,
        {{ sink_field('protopayload_auditlog.requestMetadata.callerIp', columns) }} as caller_ip,
        safe_cast({{ sink_field('protopayload_auditlog.status.code', columns) }} as int64) as status_code,
        {{ sink_field('protopayload_auditlog.requestJson', columns) }} as request_json,
        {{ sink_field('protopayload_auditlog.metadataJson', columns) }} as metadata_json,
        source.timestamp > timestamp_add(receivetimestamp, interval 5 minute) as has_future_time
    from source
    where source.timestamp is not null
    -- A sink may write an entry twice. Its time is part of the key so that a filter prunes.
    qualify row_number() over (partition by source.timestamp, logname, insertid order by receivetimestamp) = 1

)

select * from final
