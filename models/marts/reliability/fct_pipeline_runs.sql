{#- `partitions` is filled by log_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'run_day', 'data_type': 'date'},
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = log_days_to_replace('run_day') %}

with

log_entries as (

    {{ log_entries_of(ref('stg_cloud_logging__pipeline_logs'), days) }}

),

-- A time in the future is of a clock that is wrong: nobody knows when the run ended.
outcomes as (

    select
        *,
        case
            when lower(status) in ('success', 'succeeded', 'ok', 'complete', 'completed') then 'succeeded'
            when lower(status) in ('failed', 'failure', 'error') then 'failed'
            when status is null and severity in ('ERROR', 'CRITICAL', 'ALERT', 'EMERGENCY') then 'failed'
        end as outcome
    from log_entries
    where operation_name is not null and not coalesce(has_future_time, false)

),

final as (

    select
        log_entry_id as pipeline_run_id,
        date(logged_at) as run_day,
        operation_name as pipeline,
        run_id,
        logged_at as ended_at,
        outcome,
        duration_seconds,
        message,
        log_name,
        insert_id,
        received_at,
        {{ as_of() }} as as_of
    from outcomes
    where outcome is not null

)

select * from final
