-- One row per combination of filters and severity, and one of all severities where none is chosen: MTTA and MTTR.
with

incidents as (

    {{ incidents_by_filter() }}

),

counted as (

    select
        *,
        if({{ is_excluded('mtta') }}, null, mtta_minutes) as counted_mtta,
        if({{ is_excluded('mttr') }}, null, mttr_minutes) as counted_mttr
    from incidents
    cross join unnest(if(severity_filter = 'all', [severity_level, 'all'], [severity_level])) as severity_shown

),

ranked as (

    select
        *,
        percentile_cont(counted_mtta, 0.5) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_shown
        ) as mtta_median,
        percentile_cont(counted_mtta, 0.9) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_shown
        ) as mtta_p90,
        percentile_cont(counted_mttr, 0.5) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_shown
        ) as mttr_median,
        percentile_cont(counted_mttr, 0.9) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_shown
        ) as mttr_p90
    from counted

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        period_filter,
        severity_shown,
        count(*) as incidents,
        countif(is_open) as open_incidents,
        max(if(is_open, {{ minutes_since('detection_time') }}, null)) as oldest_open_minutes,
        max(mtta_median) as mtta_median_minutes,
        max(mtta_p90) as mtta_p90_minutes,
        count(counted_mttr) as counted_incidents,
        countif({{ is_excluded('mttr') }}) as excluded_incidents,
        max(mttr_median) as mttr_median_minutes,
        max(mttr_p90) as mttr_p90_minutes
    from ranked
    group by severity_filter, component_filter, source_filter, period_filter, severity_shown

)

select * from final
order by severity_shown, severity_filter, component_filter, source_filter, period_filter
