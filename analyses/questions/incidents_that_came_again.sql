-- Which incidents came again: the same component and cause, shortly after?
with

recurrences as (

    select * from {{ ref('fct_incident_recurrence') }}
    where is_recurrence and detection_time <= @as_of

),

final as (

    select
        detection_time,
        severity_level,
        incident_id,
        component,
        root_cause_category,
        days_since_previous,
        previous_incident_id,
        previous_incidents
    from recurrences

)

select * from final
order by detection_time desc, incident_id asc
