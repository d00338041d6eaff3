with

events as (

    select * from {{ ref('int_incident_events_sequenced') }}

),

dated_events as (

    select
        incident_id,
        event_order,
        severity_level,
        occurred_at,
        min(if(event_type = 'detected', occurred_at, null)) over (partition by incident_id) as detection_time
    from events

),

severity_events as (

    select
        *,
        lag(severity_level) over (partition by incident_id order by event_order) as previous_severity_level
    from dated_events
    where severity_level is not null and detection_time is not null

),

-- The same severity again begins no new row.
changes as (

    select
        incident_id,
        event_order,
        severity_level,
        detection_time,
        greatest(occurred_at, detection_time) as valid_from
    from severity_events
    where previous_severity_level is null or previous_severity_level != severity_level

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
