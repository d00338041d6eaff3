{#- A view over what is kept of each incident; its one clock is a row of `int_build_time`. -#}
{{ config(materialized='view') }}

with

tasks as (

    select * from {{ ref('int_incident_tasks_measured') }}

),

build_time as (

    select * from {{ ref('int_build_time') }}

),

judged as (

    select
        tasks.*,
        build_time.as_of,
        coalesce(tasks.done_at, build_time.as_of) as judged_at
    from tasks
    cross join build_time

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
        detection_date,
        as_of
    from judged

)

select * from final
