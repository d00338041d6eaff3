{#- A view over what is kept of each incident; its one clock is a row of `int_build_time`. -#}
{{ config(materialized='view') }}

with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

build_time as (

    select * from {{ ref('int_build_time') }}

),

aged as (

    select
        incidents.*,
        build_time.as_of,
        {{ age_microseconds('build_time.as_of') }} as age_microseconds
    from incidents
    cross join build_time

),

deadlines as (

    select * from {{ ref('int_incident_sla_deadlines') }}

),

final as (

    select
        aged.incident_id,
        aged.severity_level,
        {{ minutes('aged.mttr_microseconds') }} as mttr_minutes,
        aged.root_cause_category,
        aged.resolution_time,
        aged.detection_time,
        aged.detection_date,
        aged.title,
        aged.status,
        aged.is_open,
        aged.component,
        -- A table of BigQuery keeps a null array as an empty one, the local warehouse as null.
        coalesce(array_length(aged.components), 0) as component_count,
        aged.source,
        aged.source_key,
        aged.detected_by,
        aged.has_sla,
        aged.rule_id,
        aged.initial_severity_level,
        aged.incident_commander,
        aged.start_time,
        aged.acknowledged_time,
        aged.identified_time,
        aged.contained_time,
        aged.closed_time,
        aged.estimated_resolution_time,
        {{ minutes('aged.mttd_microseconds') }} as mttd_minutes,
        {{ minutes('aged.mtta_microseconds') }} as mtta_minutes,
        {{ minutes('aged.mttc_microseconds') }} as mttc_minutes,
        {{ minutes('aged.age_microseconds') }} as age_minutes,
        aged.reopen_count,
        deadlines.response_severity_level,
        deadlines.response_deadline,
        case
            when deadlines.response_time is not null then deadlines.response_time <= deadlines.response_deadline
            when aged.as_of > deadlines.response_deadline then false
        end as is_response_met,
        deadlines.escalation_deadline,
        aged.as_of,
        array_length(aged.excluded_measures) > 0 as has_time_anomaly,
        aged.excluded_measures
    from aged
    left join deadlines on aged.incident_id = deadlines.incident_id

)

select * from final
