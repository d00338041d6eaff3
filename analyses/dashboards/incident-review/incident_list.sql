-- One row per incident, the newest first; at most 500.
with

incidents as (

    select * from {{ ref('operational_metrics') }}
    where detection_time <= @as_of

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        incidents.detection_time,
        incidents.severity_level,
        incidents.incident_id,
        incidents.title,
        incidents.component,
        incidents.status,
        if({{ is_excluded('mtta') }}, null, incidents.mtta_minutes) as mtta_minutes,
        if({{ is_excluded('mttr') }}, null, incidents.mttr_minutes) as mttr_minutes,
        incidents.root_cause_category,
        incidents.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        {{ period_filter('incidents.detection_time') }} as period_filter,
        count(*) over () as total_rows
    from incidents
    left join component_groups on incidents.component = component_groups.component
    where true
    qualify row_number() over (order by incidents.detection_time desc, incidents.incident_id asc) <= 500

)

select * from final
order by detection_time desc, incident_id asc
