{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='source',
        on_schema_change='append_new_columns'
    )
}}
{%- set loads_since = usage_loads_since() %}
{%- set newest_days = usage_newest_days(loads_since) %}

with

records as (

    select * from {{ ref('base_usage__records') }}
    where usage_date in ({{ newest_days | join(', ') }})

),

loads as (

    select
        source,
        loaded_at
    from {{ ref('stg_ledger__usage_loads') }}
    where recorded_at >= {{ loads_since }}
    {% if is_incremental() -%}
        union all
        select
            source,
            last_loaded_at as loaded_at
        from {{ this }}
    {%- endif %}

),

-- An event has a time; a day's record covers usage up to the end of the day, or to its export if that was earlier.
newest_usage as (

    select
        source,
        max(
            if(
                source = 'cursor_events',
                timestamp_millis(cast(json_value(record, '$.timestamp') as int64)),
                least(timestamp(date_add(usage_date, interval 1 day)), exported_at)
            )
        ) as last_usage_at,
        max(usage_date) as last_usage_date,
        max(exported_at) as last_exported_at
    from records
    where source != 'cursor_spend'
    group by source

),

newest_loads as (

    select
        source,
        max(loaded_at) as last_loaded_at
    from loads
    group by source

),

reports as (

    select
        newest_usage.source,
        if(newest_usage.source in ('cursor_events', 'cursor_daily'), 'cursor', 'anthropic') as vendor,
        newest_usage.last_usage_at,
        newest_usage.last_usage_date,
        newest_usage.last_exported_at,
        newest_loads.last_loaded_at,
        {{ as_of() }} as as_of,
        {{ minutes_between('newest_usage.last_usage_at', as_of()) }} / 60 as hours_behind
    from newest_usage
    left join newest_loads on newest_usage.source = newest_loads.source

),

final as (

    select
        source,
        vendor,
        last_usage_at,
        last_usage_date,
        last_exported_at,
        last_loaded_at,
        hours_behind,
        {{ var('usage_late_after_hours') }} as late_after_hours,
        hours_behind > {{ var('usage_late_after_hours') }} as is_late,
        as_of,
        {{ built_at() }} as built_at
    from reports

)

select * from final
