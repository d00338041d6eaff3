-- Which clocks of the response do we miss, how often, and by how much?
with

clocks as (

    select * from {{ ref('fct_response_sla') }}
    where due_at <= @as_of

),

final as (

    select
        clock,
        coalesce(severity_level, 'none') as severity_level,
        countif(is_met) as kept_clocks,
        countif(not is_met) as missed_clocks,
        countif(is_met is null) as pending_clocks,
        100 * safe_divide(countif(is_met), countif(is_met is not null)) as kept_percent,
        max(if(is_met, null, minutes_late)) as latest_minutes
    from clocks
    group by clock, severity_level

)

select * from final
order by missed_clocks desc, clock asc, severity_level asc
