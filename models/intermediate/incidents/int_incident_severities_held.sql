with

events as (

    select * from {{ ref('int_incident_events_effective') }}

),

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

said as (

    select
        incident_id,
        event_order,
        severity_level,
        occurred_at,
        lag(severity_level) over (partition by incident_id order by event_order) as previous_severity_level
    from events
    where severity_level is not null

),

-- Saying the same severity again begins nothing.
changes as (

    select
        said.incident_id,
        said.event_order,
        said.severity_level,
        incidents.detection_time,
        greatest(said.occurred_at, incidents.detection_time) as held_from
    from said
    inner join incidents on said.incident_id = incidents.incident_id
    where said.previous_severity_level is null or said.previous_severity_level != said.severity_level

),

final as (

    select
        incident_id,
        event_order,
        severity_level,
        detection_time,
        held_from,
        lead(held_from) over (partition by incident_id order by event_order) as held_until
    from changes

)

select * from final
