-- One row per usage report: how far its usage reaches at the time of the page, the latest first.
with

freshness as (

    select * from {{ ref('fct_usage_freshness') }}

),

final as (

    select
        source,
        last_usage_at,
        {{ minutes_since('last_usage_at') }} as behind_minutes,
        last_loaded_at,
        if({{ minutes_since('last_usage_at') }} > 60 * late_after_hours, 'late', 'on time') as freshness
    from freshness

)

select * from final
order by behind_minutes desc, source asc
