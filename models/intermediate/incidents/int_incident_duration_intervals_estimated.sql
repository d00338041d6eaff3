with

durations as (

    select
        incident_duration_id,
        counted_incidents,
        counted_minutes
    from {{ ref('int_incident_durations_aggregated') }}
    where counted_incidents > 0

),

log_factorials as (

    {{ log_factorials('durations', 'counted_incidents') }}

),

sizes as (

    select distinct counted_incidents from durations

),

-- How many of n times are below the percentile is binomial, whatever the times are like.
outcomes as (

    select
        sizes.counted_incidents,
        percentile,
        below,
        sum(
            exp(
                {{ log_binomial('everyone.log_factorial', 'lower.log_factorial', 'upper.log_factorial') }}
                + below * ln(percentile / 100) + (sizes.counted_incidents - below) * ln(1 - percentile / 100)
            )
        ) over (partition by sizes.counted_incidents, percentile order by below) as probability_to_here
    from sizes
    cross join unnest([50, 90]) as percentile
    cross join unnest(generate_array(0, sizes.counted_incidents - 1)) as below
    inner join log_factorials as everyone on sizes.counted_incidents = everyone.number
    inner join log_factorials as lower on below = lower.number
    inner join log_factorials as upper on sizes.counted_incidents - below = upper.number

),

-- Ranks from 1; null where so few times leave that side open.
ranks as (

    select
        counted_incidents,
        percentile,
        max(if(probability_to_here <= {{ var('significance_level') }} / 2, below + 1, null)) as lower_rank,
        min(if(probability_to_here >= 1 - {{ var('significance_level') }} / 2, below + 1, null)) as upper_rank
    from outcomes
    group by counted_incidents, percentile

),

ends as (

    select
        durations.incident_duration_id,
        ranks.percentile,
        durations.counted_minutes[safe_ordinal(ranks.lower_rank)] as lower_minutes,
        durations.counted_minutes[safe_ordinal(ranks.upper_rank)] as upper_minutes
    from durations
    inner join ranks on durations.counted_incidents = ranks.counted_incidents

),

final as (

    select
        incident_duration_id,
        max(if(percentile = 50, lower_minutes, null)) as median_lower_minutes,
        max(if(percentile = 50, upper_minutes, null)) as median_upper_minutes,
        max(if(percentile = 90, lower_minutes, null)) as p90_lower_minutes,
        max(if(percentile = 90, upper_minutes, null)) as p90_upper_minutes
    from ends
    group by incident_duration_id

)

select * from final
