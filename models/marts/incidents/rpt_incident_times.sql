with

listed as (

    select * from {{ ref('int_incident_periods_listed') }}

),

aged as (

    select
        *,
        if(is_waiting, {{ age_microseconds() }}, null) as waiting_microseconds
    from listed

),

known as (

    select
        *,
        coalesce(counted_microseconds, waiting_microseconds) as at_least_microseconds
    from aged

),

-- Exact and interpolated linearly; nulls (unknown, anomalies) do not count.
ranked as (

    select
        *,
        percentile_cont({{ minutes('counted_microseconds') }}, 0.5) over (
            partition by period_grain, period_start, severity_level, measure
        ) as median_minutes,
        percentile_cont({{ minutes('counted_microseconds') }}, 0.9) over (
            partition by period_grain, period_start, severity_level, measure
        ) as p90_minutes,
        percentile_cont({{ minutes('at_least_microseconds') }}, 0.5) over (
            partition by period_grain, period_start, severity_level, measure
        ) as at_least_median_minutes,
        percentile_cont({{ minutes('at_least_microseconds') }}, 0.9) over (
            partition by period_grain, period_start, severity_level, measure
        ) as at_least_p90_minutes
    from known

),

final as (

    select
        {{ surrogate_key(['period_grain', 'period_start', 'severity_level', 'measure']) }} as incident_time_id,
        period_grain,
        period_start,
        severity_level,
        measure,
        count(*) as incidents,
        countif(is_open) as open_incidents,
        countif(is_identified) as identified_incidents,
        count(counted_microseconds) as counted_incidents,
        count(waiting_microseconds) as waiting_incidents,
        countif(is_anomaly) as left_out_incidents,
        countif(not coalesce(is_anomaly, false) and at_least_microseconds is null) as unknown_incidents,
        {{ minutes('sum(counted_microseconds)') }} as total_minutes,
        {{ minutes('sum(counted_microseconds)') }} / nullif(count(counted_microseconds), 0) as mean_minutes,
        max(median_minutes) as median_minutes,
        max(p90_minutes) as p90_minutes,
        {{ minutes('max(counted_microseconds)') }} as longest_minutes,
        {{ minutes('max(waiting_microseconds)') }} as longest_waiting_minutes,
        {{ minutes('sum(at_least_microseconds)') }}
        / nullif(count(at_least_microseconds), 0) as at_least_mean_minutes,
        max(at_least_median_minutes) as at_least_median_minutes,
        max(at_least_p90_minutes) as at_least_p90_minutes,
        {{ as_of() }} as as_of
    from ranked
    group by period_grain, period_start, severity_level, measure

)

select * from final
