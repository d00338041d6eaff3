-- One row per incident whose component had one of the same cause shortly before, the newest first.
with

recurrences as (

    select * from {{ ref('fct_incident_recurrence') }}
    where is_recurrence and detection_time <= @as_of

),

incidents as (

    select * from {{ ref('operational_metrics') }}

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        recurrences.detection_time,
        recurrences.severity_level,
        recurrences.incident_id,
        recurrences.component,
        recurrences.root_cause_category,
        recurrences.previous_incident_id,
        recurrences.days_since_previous * 1440 as since_previous_minutes,
        recurrences.previous_incidents,
        recurrences.severity_level as severity_filter,
        coalesce(component_groups.component_group, 'other') as component_filter,
        incidents.source as source_filter,
        {{ period_filter('recurrences.detection_time') }} as period_filter,
        count(*) over () as total_rows
    from recurrences
    inner join incidents on recurrences.incident_id = incidents.incident_id
    left join component_groups on recurrences.component = component_groups.component
    where true
    qualify row_number() over (order by recurrences.detection_time desc, recurrences.incident_id asc) <= 200

)

select * from final
order by detection_time desc, incident_id asc
