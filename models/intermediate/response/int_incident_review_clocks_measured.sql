{#- `review_phases` of response/rules/review_rules.py; the weekly review is due as the planner wrote it. -#}
with

tasks as (

    select * from {{ ref('int_current_incident_tasks_measured') }}

),

incidents as (

    select * from {{ ref('int_current_incidents_measured') }}
    where has_sla and resolution_time is not null

),

events as (

    select
        incident_id,
        event_order,
        occurred_at,
        safe_cast(json_value(payload, '$.due_at') as timestamp) as due_at
    from {{ ref('int_incident_events_sequenced') }}
    where
        event_type = 'review_scheduled'
        and not {{ is_person('actor') }}
        and step_id = 'weekly'

),

-- A phase is met when the last of its tasks is done.
phases as (

    select
        incident_id,
        severity_level,
        if(phase = 'immediate', 'immediate_tasks', phase) as clock,
        max(due_at) as due_at,
        if(count(*) = count(done_at), max(done_at), null) as met_at
    from tasks
    group by incident_id, severity_level, phase

),

weekly_reviews as (

    select
        incidents.incident_id,
        any_value(incidents.severity_level) as severity_level,
        'weekly_review' as clock,
        any_value(events.due_at having max events.event_order) as due_at,
        any_value(if(incidents.closed_time >= incidents.resolution_time, incidents.closed_time, null)) as met_at
    from incidents
    inner join events
        on incidents.incident_id = events.incident_id and incidents.resolution_time <= events.occurred_at
    group by incidents.incident_id

),

final as (

    select
        incident_id,
        severity_level,
        clock,
        due_at,
        met_at
    from phases

    union all

    select
        incident_id,
        severity_level,
        clock,
        due_at,
        met_at
    from weekly_reviews

)

select * from final
