-- One row per open incident, the worst first, of these the oldest.
with

incidents as (

    select * from {{ ref('incident_state') }}
    where is_open and {{ is_counted() }} and detection_time <= @as_of

),

deadlines as (

    select * from {{ ref('incident_deadlines') }}

),

severities as (

    select * from {{ ref('dim_severities') }}

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        incidents.severity_level,
        incidents.incident_id,
        incidents.title,
        incidents.component,
        incidents.status,
        greatest({{ minutes_since('incidents.detection_time') }} - incidents.reopened_gap_microseconds / 60000000, 0)
            as open_minutes,
        case
            when not incidents.has_sla then 'the vendor is at work on it'
            when incidents.our_acknowledged_time is not null then 'acknowledged'
            when deadlines.response_deadline < @as_of then 'not acknowledged: overdue'
            else 'not acknowledged'
        end as answer,
        deadlines.response_deadline,
        incidents.estimated_resolution_time,
        incidents.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        count(*) over () as total_rows
    from incidents
    left join deadlines on incidents.incident_id = deadlines.incident_id
    left join component_groups on incidents.component = component_groups.component
    left join severities on incidents.severity_level = severities.severity_level
    where true
    qualify
        row_number() over (order by severities.severity_rank, incidents.detection_time, incidents.incident_id) <= 200

)

select * from final
order by severity_level asc, open_minutes desc, incident_id asc
