{{ config(materialized='view') }}

with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

limits as (

    select * from {{ ref('runtime_limits') }}
    where limit_name = 'recurrence_window_days'

),

incident_windows as (

    select
        incidents.incident_id,
        incidents.component,
        incidents.root_cause_category,
        incidents.detection_time,
        timestamp_sub(
            incidents.detection_time, interval cast(round(limits.value * 86400000000) as int64) microsecond
        ) as window_start
    from incidents
    cross join limits
    where limits.valid_from is null or limits.valid_from <= incidents.detection_time
    qualify {{ is_newest_valid(['incidents.incident_id'], valid_from='limits.valid_from') }}

),

-- A component or a cause that nobody named is not the same as another one.
recurrences as (

    select
        incident_windows.incident_id,
        previous.incident_id as previous_incident_id,
        previous.detection_time as previous_detection_time,
        count(*) over (partition by incident_windows.incident_id) as previous_incidents
    from incident_windows
    inner join incidents as previous
        on
            incident_windows.component = previous.component
            and incident_windows.root_cause_category = previous.root_cause_category
            and incident_windows.window_start <= previous.detection_time
            and (
                incident_windows.detection_time > previous.detection_time
                or (
                    incident_windows.detection_time = previous.detection_time
                    and incident_windows.incident_id > previous.incident_id
                )
            )
    where true
    qualify
        row_number() over (
            partition by incident_windows.incident_id
            order by previous.detection_time desc, previous.incident_id desc
        ) = 1

),

final as (

    select
        incidents.incident_id,
        incidents.severity_level,
        incidents.component,
        incidents.root_cause_category,
        incidents.detection_time,
        recurrences.previous_incident_id is not null as is_recurrence,
        recurrences.previous_incident_id,
        recurrences.previous_detection_time,
        {{ minutes_between('recurrences.previous_detection_time', 'incidents.detection_time') }} / 1440
            as days_since_previous,
        coalesce(recurrences.previous_incidents, 0) as previous_incidents
    from incidents
    left join recurrences on incidents.incident_id = recurrences.incident_id

)

select * from final
