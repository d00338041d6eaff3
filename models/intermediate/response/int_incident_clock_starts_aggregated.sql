with

incidents as (

    select * from {{ ref('int_current_incidents_measured') }}
    where has_sla

),

history as (

    select * from {{ ref('int_incident_clock_history') }}
    where is_by_person and event_type not in ('detected', 'note')

),

first_acts as (

    select
        incident_id,
        min(occurred_at) as acted_at
    from history
    group by incident_id

),

-- A vendor's incident has no clock here until a person here acts.
final as (

    select
        incidents.incident_id,
        incidents.detection_time,
        incidents.resolution_time,
        if(
            incidents.detected_by = 'vendor',
            greatest(coalesce(first_acts.acted_at, incidents.detection_time), incidents.detection_time),
            incidents.detection_time
        ) as runs_since
    from incidents
    left join first_acts on incidents.incident_id = first_acts.incident_id

)

select * from final
