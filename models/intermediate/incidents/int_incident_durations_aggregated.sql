{#- A table: it has the clock of all that is computed from it, and gives each of these the same times. -#}
{{ config(materialized='table') }}
{%- set grains = ['week', 'month', 'quarter', 'year'] -%}

with

durations as (

    select * from {{ ref('int_incident_durations_by_period') }}

),

durations_aged as (

    select
        *,
        if(is_pending, {{ age_microseconds(as_of()) }}, null) as pending_microseconds
    from durations

),

durations_bounded as (

    select
        *,
        coalesce(counted_microseconds, pending_microseconds) as lower_bound_microseconds
    from durations_aged

),

-- Exact and interpolated linearly; nulls (unknown, anomalies) do not count.
durations_ranked as (

    select
        *,
        percentile_cont({{ minutes('counted_microseconds') }}, 0.5) over (
            partition by period_grain, period_start, severity_level, measure
        ) as median_minutes,
        percentile_cont({{ minutes('counted_microseconds') }}, 0.9) over (
            partition by period_grain, period_start, severity_level, measure
        ) as p90_minutes,
        percentile_cont({{ minutes('lower_bound_microseconds') }}, 0.5) over (
            partition by period_grain, period_start, severity_level, measure
        ) as lower_bound_median_minutes,
        percentile_cont({{ minutes('lower_bound_microseconds') }}, 0.9) over (
            partition by period_grain, period_start, severity_level, measure
        ) as lower_bound_p90_minutes
    from durations_bounded

),

final as (

    select
        {{ surrogate_key(['period_grain', 'period_start', 'severity_level', 'measure']) }} as incident_duration_id,
        period_grain,
        period_start,
        case period_grain
            {% for grain in grains -%}
                when '{{ grain }}' then cast(date_sub(period_start, interval 1 {{ grain }}) as date)
            {% endfor -%}
        end as previous_period_start,
        case period_grain
            {% for grain in grains -%}
                when '{{ grain }}' then cast(date_add(period_start, interval 1 {{ grain }}) as date)
            {% endfor -%}
        end as next_period_start,
        severity_level,
        measure,
        count(*) as incidents,
        countif(is_open) as open_incidents,
        countif(is_identified) as identified_incidents,
        count(counted_microseconds) as counted_incidents,
        count(pending_microseconds) as pending_incidents,
        countif(is_anomaly) as excluded_incidents,
        countif(not coalesce(is_anomaly, false) and lower_bound_microseconds is null) as unknown_incidents,
        {{ minutes('sum(counted_microseconds)') }} as total_minutes,
        {{ minutes('sum(counted_microseconds)') }} / nullif(count(counted_microseconds), 0) as mean_minutes,
        max(median_minutes) as median_minutes,
        max(p90_minutes) as p90_minutes,
        {{ minutes('max(counted_microseconds)') }} as longest_minutes,
        {{ minutes('max(pending_microseconds)') }} as longest_pending_minutes,
        {{ minutes('sum(lower_bound_microseconds)') }}
        / nullif(count(lower_bound_microseconds), 0) as lower_bound_mean_minutes,
        max(lower_bound_median_minutes) as lower_bound_median_minutes,
        max(lower_bound_p90_minutes) as lower_bound_p90_minutes,
        array_agg({{ minutes('counted_microseconds') }} ignore nulls order by counted_microseconds) as counted_minutes,
        array_agg({{ minutes('pending_microseconds') }} ignore nulls order by pending_microseconds) as pending_minutes,
        {{ as_of() }} as as_of
    from durations_ranked
    group by period_grain, period_start, severity_level, measure

)

select * from final
