{#- A table, since the statistics take some time to compute. Its clock is that of the table that it reads. -#}
with

durations as (

    select * from {{ ref('int_incident_durations_aggregated') }}

),

intervals as (

    select * from {{ ref('int_incident_duration_intervals_estimated') }}

),

survival as (

    select * from {{ ref('int_incident_duration_survival_estimated') }}

),

duration_changes as (

    select * from {{ ref('int_incident_durations_compared') }}

),

count_changes as (

    select * from {{ ref('int_incident_counts_compared') }}

),

joined as (

    select
        durations.*,
        intervals.* except (incident_duration_id),
        survival.survival_median_minutes,
        previous.counted_incidents as previous_counted_incidents,
        duration_changes.is_longer,
        duration_changes.p_value as duration_p_value,
        count_changes.is_more,
        count_changes.p_value as incidents_p_value,
        count_changes.least_p_value as least_incidents_p_value
    from durations
    left join intervals on durations.incident_duration_id = intervals.incident_duration_id
    left join survival on durations.incident_duration_id = survival.incident_duration_id
    left join duration_changes on durations.incident_duration_id = duration_changes.incident_duration_id
    left join durations as previous
        on
            durations.period_grain = previous.period_grain
            and durations.previous_period_start = previous.period_start
            and durations.severity_level = previous.severity_level
            and durations.measure = previous.measure
    left join count_changes
        on
            durations.period_grain = count_changes.period_grain
            and durations.period_start = count_changes.period_start
            and durations.severity_level = count_changes.severity_level

),

final as (

    select
        incident_duration_id,
        period_grain,
        period_start,
        severity_level,
        measure,
        incidents,
        open_incidents,
        identified_incidents,
        counted_incidents,
        pending_incidents,
        excluded_incidents,
        unknown_incidents,
        total_minutes,
        mean_minutes,
        median_minutes,
        median_lower_minutes,
        median_upper_minutes,
        p90_minutes,
        p90_lower_minutes,
        p90_upper_minutes,
        survival_median_minutes,
        longest_minutes,
        longest_pending_minutes,
        lower_bound_mean_minutes,
        lower_bound_median_minutes,
        lower_bound_p90_minutes,
        duration_p_value,
        case
            when previous_counted_incidents is null then 'nothing to compare with'
            when
                duration_p_value is null
                or least(counted_incidents, previous_counted_incidents) < {{ var('min_incidents_to_compare') }}
                then 'too few to judge'
            when duration_p_value > {{ var('significance_level') }} then 'chance explains it'
            when is_longer then 'longer than chance explains'
            else 'shorter than chance explains'
        end as duration_verdict,
        incidents_p_value,
        case
            when incidents_p_value is null then 'nothing to compare with'
            when least_incidents_p_value > {{ var('significance_level') }} then 'too few to judge'
            when incidents_p_value > {{ var('significance_level') }} then 'chance explains it'
            when is_more then 'more incidents than chance explains'
            else 'fewer incidents than chance explains'
        end as incidents_verdict,
        as_of
    from joined

)

select * from final
