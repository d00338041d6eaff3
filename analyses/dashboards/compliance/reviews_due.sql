-- One row per incident and phase of its review that is not done (within 24 and 72 hours), the oldest first.
with

tasks as (

    select * from {{ ref('fct_post_incident_tasks') }}

),

incidents as (

    select * from {{ ref('operational_metrics') }}

),

component_groups as (

    {{ component_groups() }}

),

phases as (

    select
        incident_id,
        phase,
        severity_level,
        min(due_at) as due_at,
        count(*) as tasks,
        countif(done_at is null) as open_tasks
    from tasks
    group by incident_id, phase, severity_level

),

final as (

    select
        phases.due_at,
        phases.severity_level,
        phases.incident_id,
        incidents.title,
        phases.phase,
        phases.open_tasks,
        phases.tasks,
        if(phases.due_at < @as_of, {{ minutes_since('phases.due_at') }}, null) as late_minutes,
        if(phases.due_at < @as_of, 'late', 'due') as review_state,
        phases.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        {{ period_filter('incidents.detection_time') }} as period_filter,
        count(*) over () as total_rows
    from phases
    inner join incidents on phases.incident_id = incidents.incident_id
    left join component_groups on incidents.component = component_groups.component
    where phases.open_tasks > 0
    qualify row_number() over (order by phases.due_at, phases.incident_id, phases.phase) <= 200

)

select * from final
order by due_at, incident_id, phase
