with

totals as (

    select * from {{ ref('int_usage_totals_history') }}
    -- Of a day that is not over nothing is final.
    where loaded_at >= timestamp(date_add(usage_date, interval 1 day))

),

-- The same usage by the hour and by the day is two series, of which the newer counts now.
totals_ranked as (

    select
        *,
        row_number() over (
            partition by usage_date, source, organization_id order by loaded_at desc, width_seconds desc
        ) as place,
        max(total) over (partition by usage_date, source, organization_id) as largest_total
    from totals

),

final as (

    select
        usage_date,
        source,
        organization_id,
        if(starts_with(source, 'cursor'), 'cursor', 'anthropic') as vendor,
        if(source in ('anthropic_cost', 'cursor_events'), 'USD', 'tokens') as unit,
        any_value(largest_total) as largest_total,
        max(if(place = 1, total, null)) as total,
        any_value(largest_total) - max(if(place = 1, total, null)) as lost,
        max(loaded_at) as loaded_at
    from totals_ranked
    group by usage_date, source, organization_id

)

select * from final
