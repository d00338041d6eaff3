with

events as (

    select * from {{ ref('int_incident_events_sequenced') }}

),

mentions as (

    select
        events.incident_id,
        events.event_order,
        component,
        component_offset as component_position
    from events
    cross join unnest(events.components) as component with offset as component_offset
    -- BigQuery fails on an array with a null.
    where component is not null

),

first_mentions as (

    select *
    from mentions
    where true
    qualify row_number() over (partition by incident_id, component order by event_order, component_position) = 1

),

final as (

    select
        incident_id,
        array_agg(component ignore nulls order by event_order, component_position) as components
    from first_mentions
    group by incident_id

)

select * from final
