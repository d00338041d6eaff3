{{ config(materialized='table') }}

with

usage_daily as (

    select * from {{ ref('fct_usage_daily') }}
    where usage_date between date_sub(date({{ as_of() }}), interval 90 day) and date({{ as_of() }})

),

limits as (

    select value as due_hours
    from {{ ref('runtime_limits') }}
    where
        limit_name = 'volume_due_hours'
        and coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
    qualify {{ is_newest_valid(['limit_name']) }}

),

vendor_days as (

    select
        vendor,
        usage_date,
        sum(total_tokens) as tokens,
        sum(requests) as requests,
        count(distinct user_name) as people,
        max(loaded_at) as loaded_at
    from usage_daily
    group by vendor, usage_date

),

-- Days without a row too, and the six that come next. Holidays are no days like others of their weekday.
calendar as (

    select
        vendors.vendor,
        usage_date,
        timestamp_add(timestamp(date_add(usage_date, interval 1 day)), interval cast(limits.due_hours as int64) hour)
            as due_at
    from (
        select
            vendor,
            min(usage_date) as first_date
        from vendor_days
        group by vendor
    ) as vendors
    cross join limits
    cross join
        unnest(generate_date_array(vendors.first_date, date_add(date({{ as_of() }}), interval 6 day))) as usage_date
    left join {{ ref('business_holidays') }} as holidays on usage_date = holidays.holiday_date
    where holidays.holiday_date is null

),

final as (

    select
        calendar.vendor,
        calendar.usage_date,
        calendar.due_at,
        measure,
        vendor_days.loaded_at,
        coalesce(if(measure = 'tokens', vendor_days.tokens, vendor_days.requests), 0) as volume,
        coalesce(vendor_days.people, 0) as people,
        {{ as_of() }} as as_of
    from calendar
    cross join unnest(['tokens', 'requests']) as measure
    left join vendor_days
        on calendar.vendor = vendor_days.vendor and calendar.usage_date = vendor_days.usage_date

)

select * from final
