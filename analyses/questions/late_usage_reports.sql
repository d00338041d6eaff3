-- How far do the usage reports reach, and which are late?
with

freshness as (

    select * from {{ ref('fct_usage_freshness') }}

),

final as (

    select
        source,
        vendor,
        last_usage_at,
        last_loaded_at,
        {{ minutes_between('last_usage_at', '@as_of') }} / 60 as hours_behind,
        late_after_hours,
        {{ minutes_between('last_usage_at', '@as_of') }} > 60 * late_after_hours as is_late
    from freshness

)

select * from final
order by hours_behind desc, source asc
