{{ config(materialized='table') }}

with

day_volumes as (

    select * from {{ ref('int_usage_volumes_compared') }}

),

rules as (

    select *
    from {{ ref('classification_rules') }}
    where
        rule_id = 'usage_volume_missing'
        and coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
    qualify {{ is_newest_valid(['rule_id']) }}

),

-- What is there before it is due is there.
last_good as (

    select
        vendor,
        max(usage_date) as good_date,
        least(max(loaded_at), {{ as_of() }}) as good_at
    from day_volumes
    where is_good and loaded_at is not null
    group by vendor

),

missing as (

    select
        last_good.vendor,
        last_good.good_date,
        last_good.good_at,
        min(day_volumes.usage_date) as first_date,
        min(day_volumes.due_at) as first_due_at,
        max(if(day_volumes.due_at <= {{ as_of() }}, day_volumes.due_at, null)) as last_due_at,
        countif(day_volumes.due_at <= {{ as_of() }}) as days_missing
    from last_good
    left join day_volumes
        on
            last_good.vendor = day_volumes.vendor
            and last_good.good_date < day_volumes.usage_date
            and day_volumes.is_bad
    group by last_good.vendor, last_good.good_date, last_good.good_at

),

final as (

    select
        'usage_volume' as source,
        concat('volume:', missing.vendor) as source_key,
        rules.rule_id,
        concat('usage:', missing.vendor) as component,
        rules.severity_level,
        concat(
            missing.vendor, ': ',
            if(day_volumes.missing_percent >= 100, '100', format('%.1f', day_volumes.missing_percent)),
            ' % of the ', day_volumes.measure, ' usual on a ', format_date('%A', missing.first_date),
            ' are missing of ', cast(missing.first_date as string)
        ) as title,
        missing.first_due_at as started_at,
        cast(null as timestamp) as ended_at,
        coalesce(greatest(missing.good_at, missing.last_due_at), missing.good_at) as observed_at,
        day_volumes.missing_percent as value,  -- noqa: RF04
        concat('over ', cast(rules.lower_value as string), ' % missing') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                missing.vendor as vendor,
                day_volumes.measure as measure,
                cast(missing.first_date as string) as first_day,
                missing.days_missing as days_missing,
                day_volumes.volume as volume,
                cast(round(day_volumes.median_volume) as int64) as median_volume,
                day_volumes.observations as observations,
                cast(missing.good_date as string) as last_good_day,
                concat(
                    'select * from fct_usage_daily where vendor = "', missing.vendor, '" and usage_date >= "',
                    cast(missing.good_date as string), '"'
                ) as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from missing
    inner join day_volumes
        on missing.vendor = day_volumes.vendor and missing.first_date = day_volumes.usage_date
    cross join rules

)

select * from final
