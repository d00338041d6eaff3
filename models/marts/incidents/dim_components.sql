with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

quality_batches as (

    select * from {{ ref('fct_data_quality') }}
    where checked_at >= timestamp_sub({{ as_of() }}, interval 7 day)

),

mentions as (

    select
        named_component as component,
        incidents.incident_id,
        incidents.is_open,
        incidents.detection_time as seen_at
    from incidents
    cross join unnest(incidents.components) as named_component

    union all

    select
        component,
        cast(null as string) as incident_id,
        false as is_open,
        max(checked_at) as seen_at
    from quality_batches
    group by component

),

final as (

    select
        component,
        if(strpos(component, ':') > 0, split(component, ':')[safe_offset(0)], null) as component_kind,
        count(distinct incident_id) as incidents,
        count(distinct if(is_open, incident_id, null)) as open_incidents,
        max(if(incident_id is not null, seen_at, null)) as last_detection_time,
        {{ as_of() }} as as_of
    from mentions
    where component is not null
    group by component

)

select * from final
