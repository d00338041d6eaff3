{{ config(materialized='view') }}

with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

final as (

    select
        {{ surrogate_key(['incidents.incident_id', 'named_component']) }} as incident_component_id,
        incidents.incident_id,
        incidents.detection_date,
        named_component as component,
        min(position) = 0 as is_primary
    from incidents
    cross join unnest(incidents.components) as named_component with offset as position
    group by incidents.incident_id, incidents.detection_date, named_component

)

select * from final
