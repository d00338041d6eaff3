{#- `partitions` is filled by log_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'state_day', 'data_type': 'date'},
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = log_days_to_replace('state_day') %}

with

log_entries as (

    {{ log_entries_of(ref('stg_cloud_logging__pipeline_logs'), days) }}

),

states as (

    select
        *,
        replace(replace(lower(status), '-', '_'), ' ', '_') as breaker_state
    from log_entries
    where starts_with(lower(event_type), 'circuit_breaker') and not coalesce(has_future_time, false)

),

final as (

    select
        log_entry_id as circuit_breaker_state_id,
        date(logged_at) as state_day,
        operation_name as circuit_breaker,
        breaker_state,
        logged_at as changed_at,
        message,
        log_name,
        insert_id,
        received_at,
        {{ as_of() }} as as_of
    from states
    where operation_name is not null and breaker_state in ('open', 'half_open', 'closed')

)

select * from final
