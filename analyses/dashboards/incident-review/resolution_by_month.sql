-- One row per combination of filters and month of detection (of the last 12): exact medians and 90th percentiles.
with

incidents as (

    {{ incidents_by_filter() }}

),

counted as (

    select
        *,
        date_trunc(detection_date, month) as month,
        if({{ is_excluded('mtta') }}, null, mtta_minutes) as counted_mtta,
        if({{ is_excluded('mttr') }}, null, mttr_minutes) as counted_minutes
    from incidents
    where period_filter = 'all' and detection_date >= date_sub(date_trunc(date(@as_of), month), interval 11 month)

),

ranked as (

    select
        *,
        percentile_cont(counted_mtta, 0.5) over (
            partition by severity_filter, component_filter, source_filter, month
        ) as mtta_median,
        percentile_cont(counted_mtta, 0.9) over (
            partition by severity_filter, component_filter, source_filter, month
        ) as mtta_p90,
        percentile_cont(counted_minutes, 0.5) over (
            partition by severity_filter, component_filter, source_filter, month
        ) as median_minutes,
        percentile_cont(counted_minutes, 0.9) over (
            partition by severity_filter, component_filter, source_filter, month
        ) as p90_minutes
    from counted

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        month,
        count(counted_minutes) as counted_incidents,
        countif(is_open) as open_incidents,
        max(median_minutes) as median_minutes,
        max(p90_minutes) as p90_minutes,
        count(counted_mtta) as answered_incidents,
        max(mtta_median) as mtta_median_minutes,
        max(mtta_p90) as mtta_p90_minutes
    from ranked
    group by severity_filter, component_filter, source_filter, month

)

select * from final
order by month, severity_filter, component_filter, source_filter
