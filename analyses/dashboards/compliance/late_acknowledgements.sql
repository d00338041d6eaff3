-- One row per incident that nobody here acknowledged in time, the newest first.
with

incidents as (

    select * from {{ ref('operational_metrics') }}
    where is_response_met is false and detection_time <= @as_of

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        incidents.detection_time,
        incidents.response_severity_level as severity_level,
        incidents.incident_id,
        incidents.title,
        incidents.response_deadline,
        if(incidents.acknowledged_time > incidents.response_deadline, incidents.acknowledged_time, null)
            as acknowledged_time,
        case
            when incidents.acknowledged_time > incidents.response_deadline
                then {{ minutes_between('incidents.response_deadline', 'incidents.acknowledged_time') }}
            when incidents.is_open then {{ minutes_since('incidents.response_deadline') }}
        end as late_minutes,
        incidents.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        {{ period_filter('incidents.detection_time') }} as period_filter,
        count(*) over () as total_rows
    from incidents
    left join component_groups on incidents.component = component_groups.component
    where true
    qualify row_number() over (order by incidents.detection_time desc, incidents.incident_id asc) <= 200

)

select * from final
order by detection_time desc, incident_id asc
