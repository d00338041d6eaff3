{{ config(materialized='table') }}

with

volumes as (

    select * from {{ ref('int_usage_volumes_aggregated') }}

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'usage_volume_missing') }}

),

limits as (

    {{ valid_limits(ref('runtime_limits'), ['volume_deviations', 'volume_people']) }}

),

-- A day beside the same weekday of the weeks before it, as far as those are due.
pairs as (

    select
        volumes.vendor,
        volumes.measure,
        volumes.usage_date,
        volumes.due_at,
        volumes.loaded_at,
        volumes.volume,
        rules.lower_value,
        rules.is_lower_inclusive,
        rules.min_observations,
        earlier.volume as earlier_volume,
        earlier.people as earlier_people,
        percentile_cont(earlier.volume, 0.5)
            over (partition by volumes.vendor, volumes.measure, volumes.usage_date) as median_volume
    from volumes
    cross join rules
    inner join volumes as earlier
        on
            volumes.vendor = earlier.vendor
            and volumes.measure = earlier.measure
            and volumes.usage_date > earlier.usage_date
            and date_sub(volumes.usage_date, interval cast(rules.window_minutes / 1440 as int64) day)
            <= earlier.usage_date
            and mod(date_diff(volumes.usage_date, earlier.usage_date, day), 7) = 0
            and earlier.due_at <= {{ as_of() }}
    where volumes.usage_date > date_sub(date({{ as_of() }}), interval 14 day)

),

spreads as (

    select
        *,
        percentile_cont(abs(earlier_volume - median_volume), 0.5)
            over (partition by vendor, measure, usage_date) as mad_volume
    from pairs

),

-- Of values that are normally distributed 1.4826 times the median absolute deviation is the standard deviation.
compared as (

    select
        spreads.vendor,
        spreads.measure,
        spreads.usage_date,
        spreads.due_at,
        spreads.loaded_at,
        spreads.volume,
        spreads.median_volume,
        count(*) as observations,
        spreads.volume < spreads.median_volume - cast(limits.volume_deviations as float64) * 1.4826 * spreads.mad_volume
        -- Of a few people all may be away by chance.
        or (spreads.volume = 0 and min(spreads.earlier_people) >= cast(limits.volume_people as int64)) as is_unusual,
        100 * (1 - spreads.volume / spreads.median_volume) as missing_percent,
        cast(spreads.lower_value as float64) as lower_value,
        spreads.is_lower_inclusive
    from spreads
    cross join limits
    where spreads.median_volume > 0
    group by
        spreads.vendor, spreads.measure, spreads.usage_date, spreads.due_at, spreads.loaded_at, spreads.volume,
        spreads.median_volume, spreads.mad_volume, spreads.lower_value, spreads.is_lower_inclusive,
        spreads.min_observations, limits.volume_deviations, limits.volume_people
    having count(*) >= spreads.min_observations

),

final as (

    select
        vendor,
        usage_date,
        due_at,
        any_value(loaded_at) as loaded_at,
        logical_or(
            is_unusual
            and (missing_percent > lower_value or (is_lower_inclusive and missing_percent = lower_value))
        ) as is_bad,
        any_value(measure having max missing_percent) as measure,
        any_value(volume having max missing_percent) as volume,
        any_value(median_volume having max missing_percent) as median_volume,
        any_value(observations having max missing_percent) as observations,
        max(missing_percent) as missing_percent,
        {{ as_of() }} as as_of
    from compared
    group by vendor, usage_date, due_at

)

select * from final
