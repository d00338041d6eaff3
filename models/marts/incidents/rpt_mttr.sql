{#- A view, so that it has the one clock of the table that it reads. -#}
{{ config(materialized='view') }}
{%- set grains = ['week', 'month', 'quarter', 'year'] -%}

with

durations as (

    select * from {{ ref('rpt_incident_durations') }}
    where measure = 'mttr'

),

periods as (

    select
        *,
        case period_grain
            {% for grain in grains -%}
                when '{{ grain }}' then cast(date_add(period_start, interval 1 {{ grain }}) as date)
            {% endfor -%}
        end as next_period_start,
        case period_grain
            {% for grain in grains -%}
                when '{{ grain }}' then cast(date_sub(period_start, interval 1 {{ grain }}) as date)
            {% endfor -%}
        end as previous_period_start,
        case period_grain
            {% for grain in grains -%}
                when '{{ grain }}' then {{ period_start('date(as_of)', grain) }}
            {% endfor -%}
        end as running_period_start
    from durations

),

compared as (

    select
        periods.*,
        previous.incidents as previous_incidents,
        previous.median_minutes as previous_median_minutes,
        periods.median_minutes - previous.median_minutes as median_change_minutes,
        coalesce(
            periods.counted_incidents >= {{ var('min_incidents_to_compare') }}
            and previous.counted_incidents >= {{ var('min_incidents_to_compare') }},
            false
        ) as is_enough_to_compare
    from periods
    left join durations as previous
        on
            periods.period_grain = previous.period_grain
            and periods.previous_period_start = previous.period_start
            and periods.severity_level = previous.severity_level

),

final as (

    select
        incident_duration_id as mttr_period_id,
        period_grain,
        period_start,
        cast(date_sub(next_period_start, interval 1 day) as date) as period_end,
        period_start < running_period_start as is_complete,
        next_period_start = running_period_start as is_last_complete,
        severity_level,
        incidents,
        incidents - open_incidents as resolved_incidents,
        open_incidents,
        identified_incidents,
        counted_incidents,
        excluded_incidents,
        median_minutes,
        p90_minutes,
        median_lower_minutes,
        median_upper_minutes,
        p90_lower_minutes,
        p90_upper_minutes,
        survival_median_minutes,
        mean_minutes,
        total_minutes,
        longest_minutes,
        longest_pending_minutes as oldest_open_minutes,
        lower_bound_median_minutes,
        lower_bound_p90_minutes,
        lower_bound_mean_minutes,
        coalesce(previous_incidents, 0) as previous_incidents,
        previous_median_minutes,
        median_change_minutes,
        if(
            is_enough_to_compare and previous_median_minutes > 0,
            100 * median_change_minutes / previous_median_minutes,
            null
        ) as median_change_percent,
        is_enough_to_compare,
        case
            when period_grain = 'all' or previous_incidents is null then 'nothing to compare with'
            when not is_enough_to_compare then 'too few incidents to compare'
            when previous_median_minutes = 0 then 'in minutes only'
            else 'in percent'
        end as comparison,
        duration_p_value,
        duration_verdict,
        incidents_p_value,
        incidents_verdict,
        as_of
    from compared

)

select * from final
