-- One row per combination of filters: how many incidents, how many came back, and how many were answered in time.
with

incidents as (

    {{ incidents_by_filter() }}

),

recurrences as (

    select * from {{ ref('fct_incident_recurrence') }}

),

final as (

    select
        incidents.severity_filter,
        incidents.component_filter,
        incidents.source_filter,
        incidents.period_filter,
        count(*) as incidents,
        countif(incidents.is_open) as open_incidents,
        sum(incidents.reopen_count) as reopenings,
        countif(recurrences.is_recurrence) as recurrences,
        countif(incidents.is_response_met is not null) as judged_responses,
        100 * safe_divide(countif(incidents.is_response_met), countif(incidents.is_response_met is not null))
            as response_met_percent
    from incidents
    left join recurrences on incidents.incident_id = recurrences.incident_id
    group by severity_filter, component_filter, source_filter, period_filter

)

select * from final
order by severity_filter, component_filter, source_filter, period_filter
