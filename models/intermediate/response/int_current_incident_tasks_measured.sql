with

incidents as (

    select * from {{ ref('int_current_incidents_measured') }}
    where has_sla and resolution_time is not null

),

policy_tasks as (

    select * from {{ ref('post_incident_tasks') }}

),

completions as (

    select
        incident_id,
        occurred_at,
        actor,
        step_id as task_id,
        json_value(payload, '$.text') as completion_text
    from {{ ref('int_incident_events_sequenced') }}
    where event_type = 'task_completed'

),

-- Those of its severity; hours count from the last resolution.
tasks as (

    select
        incidents.incident_id,
        incidents.detection_date,
        incidents.severity_level,
        incidents.resolution_time,
        incidents.closed_time,
        coalesce(incidents.last_reopened_time, incidents.detection_time) as counts_from,
        policy_tasks.task_id,
        policy_tasks.position as task_position,
        policy_tasks.phase,
        policy_tasks.task,
        policy_tasks.step as task_step,
        timestamp_add(
            incidents.resolution_time, interval cast(round(policy_tasks.due_hours * 3600000000) as int64) microsecond
        ) as due_at
    from incidents
    inner join policy_tasks
        on incidents.severity_level in unnest(split(policy_tasks.severity_levels, ' '))
    where true
    qualify
        row_number() over (partition by incidents.incident_id, policy_tasks.task_id order by policy_tasks.position) = 1

),

-- What was done before the incident was reopened is to be done again. A review that is completed ends all of it.
tasks_completed as (

    select
        tasks.incident_id,
        tasks.task_id,
        min(completions.occurred_at) as completed_at,
        any_value(completions.actor having min completions.occurred_at) as completed_by,
        any_value(completions.completion_text having min completions.occurred_at) as completion_text
    from tasks
    inner join completions
        on
            tasks.incident_id = completions.incident_id
            and tasks.task_id = completions.task_id
            and tasks.counts_from <= completions.occurred_at
    group by tasks.incident_id, tasks.task_id

),

final as (

    select
        tasks.incident_id,
        tasks.detection_date,
        tasks.task_id,
        tasks.task_position,
        tasks.phase,
        tasks.task,
        tasks.task_step,
        tasks.severity_level,
        tasks.resolution_time,
        tasks.due_at,
        tasks_completed.completed_at,
        tasks_completed.completed_by,
        tasks_completed.completion_text,
        coalesce(tasks_completed.completed_at, if(tasks.closed_time >= tasks.resolution_time, tasks.closed_time, null))
            as done_at
    from tasks
    left join tasks_completed
        on tasks.incident_id = tasks_completed.incident_id and tasks.task_id = tasks_completed.task_id

)

select * from final
