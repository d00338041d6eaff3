{{ config(materialized='table') }}

with

day_volumes as (

    select * from {{ ref('int_usage_volumes_compared') }}

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'usage_volume_missing') }}

),

-- A day that has not come is bad from the beginning, and due later.
vendors as (

    select
        vendor,
        least(max(if(is_bad, null, loaded_at)), {{ as_of() }}) as good_at,
        min(if(is_bad, usage_date, null)) as first_date,
        min(if(is_bad, due_at, null)) as first_due_at,
        max(if(is_bad and due_at <= {{ as_of() }}, due_at, null)) as last_due_at,
        countif(is_bad and due_at <= {{ as_of() }}) as days_missing
    from day_volumes
    group by vendor

),

final as (

    select
        'usage_volume' as source,
        concat('volume:', vendors.vendor) as source_key,
        rules.rule_id,
        concat('usage:', vendors.vendor) as component,
        rules.severity_level,
        concat(
            vendors.vendor, ': ',
            if(day_volumes.missing_percent >= 100, '100', format('%.1f', day_volumes.missing_percent)),
            ' % of the ', day_volumes.measure, ' usual on a ', format_date('%A', vendors.first_date),
            ' are missing of ', cast(vendors.first_date as string)
        ) as title,
        vendors.first_due_at as started_at,
        cast(null as timestamp) as ended_at,
        coalesce(vendors.last_due_at, vendors.good_at) as observed_at,
        day_volumes.missing_percent as value,  -- noqa: RF04
        concat('over ', cast(rules.lower_value as string), ' % missing') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                vendors.vendor as vendor,
                day_volumes.measure as measure,
                cast(vendors.first_date as string) as first_day,
                vendors.days_missing as days_missing,
                day_volumes.volume as volume,
                cast(round(day_volumes.median_volume) as int64) as median_volume,
                day_volumes.observations as observations,
                concat(
                    'select * from fct_usage_daily where vendor = "', vendors.vendor, '" and usage_date >= "',
                    cast(date_sub(vendors.first_date, interval 7 day) as string), '"'
                ) as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from vendors
    inner join day_volumes
        on vendors.vendor = day_volumes.vendor and vendors.first_date = day_volumes.usage_date
    cross join rules
    -- Where nothing was ever as usual nobody knows what is.
    where vendors.good_at is not null

)

select * from final
