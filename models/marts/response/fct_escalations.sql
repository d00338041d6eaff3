{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('int_response_events_sequenced') }}
    where event_type in ('escalated', 'update_due')

),

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

incidents_with_sla as (

    select * from incidents
    where has_sla

),

clock_entries as (

    {{ clock_entries('incidents_with_sla') }}

),

clock_history as (

    select
        *,
        event_type in ('detected', 'severity_changed') and severity_level is not null as is_severity
    from clock_entries

),

-- What came before it and after it, of the same incident.
surroundings as (

    select
        events.event_id,
        any_value(
            clock_history.severity_level
            having max if(
                clock_history.is_severity
                and greatest(clock_history.occurred_at, clock_history.detection_time) <= events.occurred_at,
                clock_history.entry_order,
                null
            )
        ) as severity_level,
        min(
            if(
                clock_history.is_by_person and clock_history.occurred_at > events.occurred_at,
                clock_history.occurred_at,
                null
            )
        ) as answered_at
    from events
    inner join clock_history on events.incident_id = clock_history.incident_id
    group by events.event_id

),

final as (

    select
        events.event_id,
        events.incident_id,
        events.event_type,
        events.event_type = 'update_due' as is_update_request,
        events.step_id,
        coalesce(events.severity_level, surroundings.severity_level) as severity_level,
        events.occurred_at as due_at,
        events.recorded_at,
        {{ minutes_between('incidents.detection_time', 'events.occurred_at') }} as detection_to_due_minutes,
        {{ minutes_between('events.occurred_at', 'events.recorded_at') }} as due_to_recorded_minutes,
        json_value(events.payload, '$.text') as escalation_text,
        safe_cast(json_value(events.payload, '$.number') as int64) as update_number,
        surroundings.answered_at,
        {{ minutes_between('events.occurred_at', 'surroundings.answered_at') }} as due_to_answered_minutes
    from events
    inner join incidents on events.incident_id = incidents.incident_id
    left join surroundings on events.event_id = surroundings.event_id

)

select * from final
