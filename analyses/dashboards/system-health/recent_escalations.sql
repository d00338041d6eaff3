-- One row per escalation step that fell due in the last 7 days, the newest first.
with

escalations as (

    select * from {{ ref('fct_escalations') }}
    where not is_update_request and due_at <= @as_of and due_at > timestamp_sub(@as_of, interval 7 day)

),

incidents as (

    select * from {{ ref('operational_metrics') }}

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        escalations.due_at,
        escalations.severity_level,
        escalations.escalation_text,
        escalations.incident_id,
        escalations.due_to_answered_minutes,
        incidents.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        count(*) over () as total_rows
    from escalations
    left join incidents on escalations.incident_id = incidents.incident_id
    left join component_groups on incidents.component = component_groups.component
    where true
    qualify row_number() over (order by escalations.due_at desc, escalations.event_id asc) <= 200

)

select * from final
order by due_at desc, incident_id asc, escalation_text asc
