-- Which incidents lasted longest, the open ones with their age?
with

incidents as (

    select * from {{ ref('operational_metrics') }}
    where detection_time <= @as_of

),

incidents_timed as (

    select
        incident_id,
        severity_level,
        title,
        component,
        detection_time,
        resolution_time,
        is_open,
        if(is_open, {{ minutes_between('detection_time', '@as_of') }}, mttr_minutes) as lasted_minutes
    from incidents
    where not {{ is_excluded('mttr') }}

),

final as (

    select *
    from incidents_timed
    where true
    qualify row_number() over (order by lasted_minutes desc, incident_id asc) <= 20

)

select * from final
order by lasted_minutes desc, incident_id asc
