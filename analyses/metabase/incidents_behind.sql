-- One row per incident, the newest first, with what a bar or point of a dashboard may stand for.
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
        if({{ is_excluded('mttr') }}, null, incidents.mttr_minutes) as mttr_minutes,
        coalesce(incidents.root_cause_category, 'not named') as cause,
        coalesce(incidents.detected_by, 'not named') as found_by,
        date_trunc(incidents.detection_date, month) as month,
        case
            when incidents.component is null then 'not named'
            when component_groups.component_group = 'other' then 'other components'
            else incidents.component
        end as component_name,
        incidents.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        {{ period_filter('incidents.detection_time') }} as period_filter
    from incidents
    left join component_groups on incidents.component = component_groups.component

)

select * from final
order by detection_time desc, incident_id asc
