with

events as (

    select * from {{ ref('int_incident_events_effective') }}

),

first_mentions as (

    select
        events.incident_id,
        component,
        min(events.event_order) as event_order,
        any_value(position having min events.event_order) as position
    from events
    cross join unnest(events.components) as component with offset as position
    group by events.incident_id, component

),

final as (

    select
        incident_id,
        array_agg(component order by event_order, position) as components
    from first_mentions
    group by incident_id

)

select * from final
