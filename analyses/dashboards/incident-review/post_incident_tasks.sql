-- One row per incident and phase of its post-incident work: what is done, and what is late.
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
        countif(done_at is not null) as done_tasks,
        countif(coalesce(done_at, @as_of) > due_at) as late_tasks
    from tasks
    group by incident_id, phase, severity_level

),

final as (

    select
        phases.due_at,
        phases.severity_level,
        phases.incident_id,
        phases.phase,
        phases.tasks,
        phases.done_tasks,
        phases.late_tasks,
        case
            when phases.done_tasks = phases.tasks then 'done'
            when phases.due_at < @as_of then 'late'
            else 'due'
        end as task_state,
        phases.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        {{ period_filter('incidents.detection_time') }} as period_filter,
        count(*) over () as total_rows
    from phases
    inner join incidents on phases.incident_id = incidents.incident_id
    left join component_groups on incidents.component = component_groups.component
    where true
    qualify
        row_number() over (
            order by phases.done_tasks = phases.tasks, phases.due_at desc, phases.incident_id asc, phases.phase asc
        ) <= 200

)

select * from final
order by due_at desc, incident_id asc, phase asc
