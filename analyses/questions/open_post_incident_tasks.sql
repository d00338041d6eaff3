-- Which tasks after an incident are not done, and which are late?
with

tasks as (

    select * from {{ ref('fct_post_incident_tasks') }}
    where done_at is null and opened_at <= @as_of

),

final as (

    select
        due_at,
        incident_id,
        severity_level,
        phase,
        task,
        due_at <= @as_of as is_due,
        if(due_at <= @as_of, {{ minutes_between('due_at', '@as_of') }}, null) as late_minutes
    from tasks

)

select * from final
order by due_at asc, incident_id asc, task asc
