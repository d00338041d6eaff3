-- How soon did somebody acknowledge, by month and severity?
with

months as (

    select * from {{ ref('rpt_incident_durations') }}
    where period_grain = 'month' and measure = 'mtta' and period_start <= date(@as_of)

),

final as (

    select
        period_start as month,  -- noqa: RF04
        severity_level,
        incidents,
        counted_incidents,
        pending_incidents,
        unknown_incidents,
        median_minutes,
        p90_minutes,
        longest_minutes
    from months

)

select * from final
order by month desc, severity_level asc
