-- One row per thing that happened, fell due or was sent in an incident, in its order.
with

incidents as (

    select * from {{ ref('operational_metrics') }}

),

clocks as (

    select * from {{ ref('fct_response_sla') }}

),

escalations as (

    select * from {{ ref('fct_escalations') }}

),

notifications as (

    select * from {{ ref('fct_notifications') }}

),

tasks as (

    select * from {{ ref('fct_post_incident_tasks') }}

),

milestones as (

    select
        incidents.incident_id,
        milestone.occurred_at,
        milestone.entry,
        incidents.title as detail
    from incidents
    cross join
        unnest([
            struct('Began' as entry, incidents.start_time as occurred_at),
            struct('Detected' as entry, incidents.detection_time as occurred_at),
            struct('Acknowledged' as entry, incidents.acknowledged_time as occurred_at),
            struct('Cause known' as entry, incidents.identified_time as occurred_at),
            struct('Contained' as entry, incidents.contained_time as occurred_at),
            struct('Resolved' as entry, incidents.resolution_time as occurred_at),
            struct('Closed' as entry, incidents.closed_time as occurred_at)
        ]) as milestone

),

entries as (

    select
        incident_id,
        occurred_at,
        entry,
        detail
    from milestones
    union all
    select
        incident_id,
        coalesce(kept_until, due_at) as occurred_at,
        concat('Due: ', replace(clock, '_', ' ')) as entry,
        case when is_met then 'kept' when not is_met then 'missed' else 'not known yet' end as detail
    from clocks
    union all
    select
        incident_id,
        due_at as occurred_at,
        if(is_update_request, 'Update due', 'Escalated') as entry,
        escalation_text as detail
    from escalations
    union all
    select
        incident_id,
        created_at as occurred_at,
        concat('Message to ', coalesce(audience, 'nobody'), ' (', status, ')') as entry,
        subject as detail
    from notifications
    union all
    select
        incident_id,
        completed_at as occurred_at,
        concat('Done: ', phase) as entry,
        task as detail
    from tasks

),

final as (

    select
        entries.incident_id,
        entries.occurred_at,
        timestamp_diff(entries.occurred_at, incidents.detection_time, microsecond) / 60000000 as detection_minutes,
        entries.entry,
        entries.detail
    from entries
    inner join incidents on entries.incident_id = incidents.incident_id
    where entries.occurred_at <= @as_of

)

select * from final
order by occurred_at asc, entry asc, detail asc, incident_id asc
