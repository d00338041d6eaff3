-- Who was written to outside of office hours in the last 90 days, and how often between 22:00 and 06:00?
with

notifications as (

    select * from {{ ref('fct_notifications') }}
    where sent_at <= @as_of and created_at > timestamp_sub(@as_of, interval 90 day)

),

calendars as (

    select * from {{ ref('business_calendar') }}
    where valid_from is null or valid_from <= @as_of

),

calendar as (

    select *
    from calendars
    where true
    qualify row_number() over (order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00:00') desc) = 1

),

messages as (

    select
        notifications.audience,
        notifications.channel,
        notifications.severity_level,
        notifications.incident_id,
        datetime(notifications.sent_at, calendar.time_zone) as sent_locally,
        calendar.opens_at,
        calendar.closes_at,
        strpos(calendar.weekdays, upper(format_datetime('%a', datetime(notifications.sent_at, calendar.time_zone)))) > 0
            as is_weekday
    from notifications
    cross join calendar

),

final as (

    select
        audience,
        channel,
        coalesce(severity_level, 'none') as severity_level,
        count(*) as messages,
        count(distinct incident_id) as incidents,
        countif(extract(hour from sent_locally) >= 22 or extract(hour from sent_locally) < 6) as night_messages,
        countif(not is_weekday) as weekend_messages
    from messages
    where not is_weekday or time(sent_locally) < opens_at or time(sent_locally) >= closes_at
    group by audience, channel, severity_level

)

select * from final
order by night_messages desc, messages desc, audience asc, channel asc, severity_level asc
