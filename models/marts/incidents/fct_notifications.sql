{{ config(materialized='view') }}

with

notifications as (

    select * from {{ ref('stg_ledger__notifications') }}

),

incidents as (

    select * from {{ ref('incident_state') }}

),

events as (

    select * from {{ ref('stg_ledger__incident_events') }}

),

rules as (

    select * from {{ ref('response_rules') }}

),

messages as (

    select
        notifications.*,
        incidents.detection_time,
        events.occurred_at as event_time
    from notifications
    left join incidents on notifications.incident_id = incidents.incident_id
    left join events on notifications.event_id = events.event_id

),

-- What the policy at the incident's detection gives for an answer at the severity of the message; -1 for no number of
-- minutes, which an aggregate would skip. By a window the local warehouse's server dies.
response_times as (

    select
        messages.delivery_id,
        nullif(
            any_value(
                coalesce(rules.response_minutes, -1)
                having max coalesce(rules.valid_from, timestamp '0001-01-01 00:00:00+00:00')
            ),
            -1
        ) as response_minutes
    from messages
    inner join rules on messages.severity_level = rules.severity_level
    where rules.valid_from is null or rules.valid_from <= messages.detection_time
    group by messages.delivery_id

),

final as (

    select
        messages.delivery_id,
        messages.message_id,
        messages.event_id,
        messages.incident_id,
        messages.severity_level,
        messages.template,
        messages.channel,
        messages.audience,
        messages.recipients,
        messages.subject,
        messages.created_at,
        messages.status,
        messages.attempts,
        messages.last_attempt_at,
        messages.sent_at,
        {{ minutes_between('messages.detection_time', 'messages.sent_at') }} as detection_to_sent_minutes,
        messages.event_time,
        {{ minutes_between('messages.event_time', 'messages.sent_at') }} as event_to_sent_minutes,
        {{ minutes_between('messages.created_at', 'messages.sent_at') }} as created_to_sent_minutes,
        timestamp_diff(messages.sent_at, messages.event_time, microsecond)
        <= cast(round(response_times.response_minutes * 60000000) as int64)
            as is_sent_within_response_time,
        messages.last_error
    from messages
    left join response_times on messages.delivery_id = response_times.delivery_id

)

select * from final
