-- How soon after its detection did the first message of an incident go out, by severity?
with

notifications as (

    select * from {{ ref('fct_notifications') }}
    where sent_at <= @as_of

),

incidents as (

    select * from {{ ref('operational_metrics') }}

),

first_messages as (

    select
        incident_id,
        min(detection_to_sent_minutes) as first_minutes
    from notifications
    group by incident_id

),

first_messages_timed as (

    select
        incidents.severity_level,
        first_messages.first_minutes,
        percentile_cont(first_messages.first_minutes, 0.5) over (
            partition by incidents.severity_level
        ) as median_minutes,
        percentile_cont(first_messages.first_minutes, 0.9) over (partition by incidents.severity_level) as p90_minutes
    from first_messages
    inner join incidents on first_messages.incident_id = incidents.incident_id

),

final as (

    select
        severity_level,
        count(first_minutes) as incidents,
        max(median_minutes) as median_minutes,
        max(p90_minutes) as p90_minutes,
        max(first_minutes) as longest_minutes
    from first_messages_timed
    group by severity_level

)

select * from final
order by severity_level
