-- One row per combination of filters and severity: MTTA and MTTR as median and 90th percentile, and how many are open.
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

),

ranked as (

    select
        *,
        percentile_cont(counted_mtta, 0.5) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_level
        ) as mtta_median,
        percentile_cont(counted_mtta, 0.9) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_level
        ) as mtta_p90,
        percentile_cont(counted_mttr, 0.5) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_level
        ) as mttr_median,
        percentile_cont(counted_mttr, 0.9) over (
            partition by severity_filter, component_filter, source_filter, period_filter, severity_level
        ) as mttr_p90
    from counted

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        period_filter,
        severity_level,
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
    group by severity_filter, component_filter, source_filter, period_filter, severity_level

)

select * from final
order by severity_level, severity_filter, component_filter, source_filter, period_filter
