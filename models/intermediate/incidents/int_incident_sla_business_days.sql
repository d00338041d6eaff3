{#- How many days ahead a business day is looked for: more than any run of holidays; a test fails if none is found. -#}
{%- set days_ahead = 31 -%}

with

severity_history as (

    select * from {{ ref('int_incident_severity_history') }}

),

calendars as (

    select * from {{ ref('business_calendar') }}

),

severities_on_business_days as (

    select distinct severity_level from {{ ref('response_rules') }}
    where response_basis = 'next_business_day'

),

holidays as (

    select distinct holiday_date from {{ ref('business_holidays') }}

),

calendar_of_each as (

    select
        severity_history.incident_id,
        severity_history.entry_order,
        calendars.time_zone,
        calendars.weekdays,
        calendars.closes_at,
        date(severity_history.valid_from, calendars.time_zone) as local_date
    from severity_history
    inner join
        severities_on_business_days
        on severity_history.severity_level = severities_on_business_days.severity_level
    cross join calendars
    where calendars.valid_from is null or calendars.valid_from <= severity_history.detection_time
    qualify
        {{ is_newest_valid(
            ['severity_history.incident_id', 'severity_history.entry_order'], valid_from='calendars.valid_from'
        ) }}

),

days as (

    select
        calendar_of_each.*,
        date_add(calendar_of_each.local_date, interval days_ahead day) as day
    from calendar_of_each
    cross join unnest(generate_array(1, {{ days_ahead }})) as days_ahead

),

business_days as (

    select
        days.incident_id,
        days.entry_order,
        min(days.day) as business_day,
        any_value(days.closes_at having min days.day) as closes_at,
        any_value(days.time_zone having min days.day) as time_zone
    from days
    left join holidays on days.day = holidays.holiday_date
    where
        holidays.holiday_date is null
        and strpos(days.weekdays, substr('SUNMONTUEWEDTHUFRISAT', 3 * extract(dayofweek from days.day) - 2, 3)) > 0
    group by days.incident_id, days.entry_order

),

final as (

    select
        incident_id,
        entry_order,
        business_day,
        cast(concat(cast(business_day as string), ' ', cast(closes_at as string), ' ', time_zone) as timestamp)
            as closes_at
    from business_days

)

select * from final
