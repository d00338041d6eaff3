-- How long did incidents take to resolve, by month and severity, and how sure is that?
with

months as (

    select * from {{ ref('rpt_mttr') }}
    where period_grain = 'month' and period_start <= date(@as_of)

),

final as (

    select
        period_start as month,  -- noqa: RF04
        severity_level,
        incidents,
        open_incidents,
        counted_incidents,
        median_minutes,
        median_lower_minutes,
        median_upper_minutes,
        p90_minutes,
        mean_minutes,
        duration_verdict
    from months

)

select * from final
order by month desc, severity_level asc
