-- One row per severity (and all) and month of detection, of the last 12, the newest first: is it unlike the one before?
with

months as (

    select * from {{ ref('rpt_mttr') }}
    where period_grain = 'month'

),

final as (

    select
        severity_level as severity_filter,
        period_start as month,  -- noqa: RF04
        incidents,
        incidents_verdict,
        median_minutes,
        median_lower_minutes,
        median_upper_minutes,
        survival_median_minutes,
        duration_verdict
    from months
    where period_start between date_sub(date_trunc(date(@as_of), month), interval 11 month) and date(@as_of)

)

select * from final
order by month desc, severity_filter asc
