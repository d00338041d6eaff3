{#- `partitions` is filled by log_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'activity_day', 'data_type': 'date'},
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = log_days_to_replace('activity_day') -%}
{%- set everyone = '"member": *"(?:allUsers|allAuthenticatedUsers)"' %}

with

log_entries as (

    {{ log_entries_of(ref('stg_cloud_logging__audit_logs'), days) }}

),

final as (

    select
        log_entry_id as admin_activity_id,
        date(logged_at) as activity_day,
        logged_at as occurred_at,
        principal,
        caller_ip,
        service_name,
        method_name,
        resource_name,
        coalesce(status_code, 0) = 0 as is_success,
        -- A policy is set whole; of a dataset the log has what was added and removed.
        case
            when coalesce(status_code, 0) != 0 then null
            when
                regexp_contains(metadata_json, r'"action": *"ADD"[^{}]*{{ everyone }}')
                or regexp_contains(metadata_json, r'{{ everyone }}[^{}]*"action": *"ADD"')
                then true
            when regexp_contains(metadata_json, r'{{ everyone }}') then false
            when ends_with(lower(method_name), 'setiampolicy') and request_json is not null
                then regexp_contains(request_json, r'"(?:allUsers|allAuthenticatedUsers)"')
        end as is_public,
        severity,
        log_name,
        insert_id,
        received_at,
        {{ as_of() }} as as_of
    from log_entries
    -- A time in the future is of a clock that is wrong.
    where method_name is not null and not coalesce(has_future_time, false)

)

select * from final
