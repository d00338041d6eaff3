with

tasks as (

    select
        *,
        coalesce(done_at, {{ as_of() }}) as judged_at
    from {{ ref('int_incident_tasks_measured') }}

),

final as (

    select
        {{ surrogate_key(['incident_id', 'task_id']) }} as incident_task_id,
        incident_id,
        task_id,
        task_position,
        phase,
        task,
        task_step,
        severity_level,
        resolution_time as opened_at,
        due_at,
        completed_at,
        completed_by,
        completion_text,
        done_at,
        judged_at > due_at as is_late,
        if(judged_at > due_at, {{ minutes_between('due_at', 'judged_at') }}, null) as minutes_late,
        {{ as_of() }} as as_of
    from tasks

)

select * from final
