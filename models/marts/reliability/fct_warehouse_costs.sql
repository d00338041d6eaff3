{#- `partitions` is filled by job_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'job_day', 'data_type': 'date'},
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = job_days_to_replace() %}

with

jobs as (

    select * from {{ ref('stg_bigquery__jobs') }}
    {% if is_incremental() -%}
        where
            created_at >= timestamp({{ days[1] if days | length > 1 else "date '9999-12-31'" }})
            and created_at < timestamp_add(timestamp({{ days | last }}), interval 1 day)
    {%- endif %}

),

jobs_by_model as (

    select
        date(created_at) as job_day,
        command,
        step,
        model,
        count(*) as jobs,
        countif(is_cached) as cached_jobs,
        countif(error_reason is not null) as failed_jobs,
        sum(coalesce(bytes_processed, 0)) as bytes_processed,
        sum(coalesce(bytes_billed, 0)) as bytes_billed,
        sum(coalesce(slot_milliseconds, 0)) / 1000 as slot_seconds,
        sum(timestamp_diff(finished_at, created_at, millisecond)) / 1000 as duration_seconds
    from jobs
    group by job_day, command, step, model

),

final as (

    select
        {{ surrogate_key(['job_day', 'command', 'step', 'model']) }} as warehouse_cost_id,
        job_day,
        command,
        step,
        model,
        jobs,
        cached_jobs,
        failed_jobs,
        bytes_processed,
        bytes_billed,
        cast(bytes_billed as numeric) * {{ var('usd_per_tebibyte') }} / 1099511627776 as cost_usd,
        slot_seconds,
        duration_seconds
    from jobs_by_model

)

select * from final
