{{ config(materialized='view') }}

with

notifications as (

    select * from {{ ref('stg_ledger__notifications') }}

),

incidents as (

    select * from {{ ref('incident_state') }}

),

final as (

    select
        notifications.delivery_id,
        notifications.message_id,
        notifications.event_id,
        notifications.incident_id,
        notifications.severity_level,
        notifications.template,
        notifications.channel,
        notifications.audience,
        notifications.recipients,
        notifications.subject,
        notifications.created_at,
        notifications.status,
        notifications.attempts,
        notifications.last_attempt_at,
        notifications.sent_at,
        {{ minutes_between('incidents.detection_time', 'notifications.sent_at') }} as detection_to_sent_minutes,
        notifications.last_error
    from notifications
    left join incidents on notifications.incident_id = incidents.incident_id

)

select * from final
