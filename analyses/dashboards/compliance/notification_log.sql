-- One row per message and channel of the last 90 days, the newest first: who was notified of what, and when.
with

notifications as (

    select * from {{ ref('fct_notifications') }}
    where created_at <= @as_of and created_at > timestamp_sub(@as_of, interval 90 day)

),

incidents as (

    select * from {{ ref('operational_metrics') }}

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        notifications.created_at,
        notifications.severity_level,
        notifications.audience,
        notifications.subject,
        notifications.channel,
        notifications.status,
        notifications.event_to_sent_minutes,
        notifications.incident_id,
        notifications.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        {{ period_filter('notifications.created_at') }} as period_filter,
        count(*) over () as total_rows
    from notifications
    left join incidents on notifications.incident_id = incidents.incident_id
    left join component_groups on incidents.component = component_groups.component
    where true
    qualify row_number() over (order by notifications.created_at desc, notifications.delivery_id asc) <= 500

)

select * from final
order by created_at desc, subject asc, channel asc
