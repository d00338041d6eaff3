with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

deadlines as (

    select * from {{ ref('int_incident_deadlines_set') }}

),

final as (

    select
        incidents.incident_id,
        incidents.severity_level,
        {{ minutes('incidents.mttr_microseconds') }} as mttr_minutes,
        incidents.root_cause_category,
        incidents.resolution_time,
        incidents.detection_time,
        incidents.detection_date,
        incidents.title,
        incidents.status,
        incidents.is_open,
        incidents.component,
        -- A table of BigQuery keeps a null array as an empty one, the local warehouse as null.
        coalesce(array_length(incidents.components), 0) as component_count,
        incidents.source,
        incidents.source_key,
        incidents.rule_id,
        incidents.initial_severity_level,
        incidents.incident_commander,
        incidents.start_time,
        incidents.acknowledged_time,
        incidents.identified_time,
        incidents.contained_time,
        incidents.closed_time,
        incidents.estimated_resolution_time,
        {{ minutes('incidents.mttd_microseconds') }} as mttd_minutes,
        {{ minutes('incidents.mtta_microseconds') }} as mtta_minutes,
        {{ minutes('incidents.mttc_microseconds') }} as mttc_minutes,
        {{ minutes('incidents.age_microseconds') }} as age_minutes,
        incidents.reopen_count,
        deadlines.response_severity_level,
        deadlines.response_deadline,
        case
            when deadlines.response_time is not null then deadlines.response_time <= deadlines.response_deadline
            when {{ as_of() }} > deadlines.response_deadline then false
        end as is_response_met,
        deadlines.escalation_deadline,
        incidents.time_anomalies != '' as has_time_anomaly,
        nullif(incidents.time_anomalies, '') as time_anomalies
    from incidents
    left join deadlines on incidents.incident_id = deadlines.incident_id

)

select * from final
