-- One row per combination of filters, clock and severity: how many were kept, missed, or are not known yet.
with

incidents as (

    {{ incidents_by_filter() }}

),

clocks as (

    select * from {{ ref('fct_response_sla') }}

),

incident_clocks as (

    select
        incidents.severity_filter,
        incidents.component_filter,
        incidents.source_filter,
        incidents.period_filter,
        replace(clocks.clock, '_', ' ') as clock_name,
        coalesce(clocks.severity_level, incidents.severity_level) as clock_severity,
        clocks.is_met
    from incidents
    inner join clocks on incidents.incident_id = clocks.incident_id

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        period_filter,
        clock_name,
        clock_severity,
        countif(is_met) as kept_clocks,
        countif(not is_met) as missed_clocks,
        countif(is_met is null) as pending_clocks,
        100 * safe_divide(countif(is_met), countif(is_met is not null)) as kept_percent
    from incident_clocks
    group by severity_filter, component_filter, source_filter, period_filter, clock_name, clock_severity

)

select * from final
order by clock_name, clock_severity, severity_filter, component_filter, source_filter, period_filter
