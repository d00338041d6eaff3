with

events as (

    select * from {{ ref('int_incident_events_sequenced') }}

),

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

severity_events as (

    select
        incident_id,
        event_order,
        severity_level,
        occurred_at,
        lag(severity_level) over (partition by incident_id order by event_order) as previous_severity_level
    from events
    where severity_level is not null

),

-- The same severity again begins no new row.
changes as (

    select
        severity_events.incident_id,
        severity_events.event_order,
        severity_events.severity_level,
        incidents.detection_time,
        greatest(severity_events.occurred_at, incidents.detection_time) as valid_from
    from severity_events
    inner join incidents on severity_events.incident_id = incidents.incident_id
    where
        severity_events.previous_severity_level is null
        or severity_events.previous_severity_level != severity_events.severity_level

),

final as (

    select
        incident_id,
        event_order,
        severity_level,
        detection_time,
        valid_from,
        lead(valid_from) over (partition by incident_id order by event_order) as valid_to
    from changes

)

select * from final
