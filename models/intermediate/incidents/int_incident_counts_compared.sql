with

-- The numbers are the same in the rows of each measure.
periods as (

    select
        period_grain,
        period_start,
        previous_period_start,
        next_period_start,
        severity_level,
        incidents,
        as_of
    from {{ ref('int_incident_durations_aggregated') }}
    where measure = 'mttr' and period_grain != 'all'

),

first_periods as (

    select
        period_grain,
        min(period_start) as first_period_start
    from periods
    group by period_grain

),

-- A period without an incident has no row; before the ledger's first one nothing is known.
pairs as (

    select
        periods.period_grain,
        periods.period_start,
        periods.severity_level,
        periods.incidents,
        coalesce(previous.incidents, 0) as previous_incidents,
        periods.incidents + coalesce(previous.incidents, 0) as both_incidents,
        timestamp_diff(
            least(periods.as_of, timestamp(periods.next_period_start)), timestamp(periods.period_start), microsecond
        ) / 86400000000 as days,
        date_diff(periods.period_start, periods.previous_period_start, day) as previous_days
    from periods
    inner join first_periods
        on
            periods.period_grain = first_periods.period_grain
            and periods.previous_period_start >= first_periods.first_period_start
    left join periods as previous
        on
            periods.period_grain = previous.period_grain
            and periods.previous_period_start = previous.period_start
            and periods.severity_level = previous.severity_level
    where periods.as_of > timestamp(periods.period_start)

),

log_factorials as (

    {{ log_factorials('pairs', 'both_incidents') }}

),

-- Two Poisson counts of one rate: an incident is in the later period with the probability of its share of the time.
outcomes as (

    select
        pairs.*,
        later_incidents,
        exp(
            {{ log_binomial('everyone.log_factorial', 'later.log_factorial', 'earlier.log_factorial') }}
            + later_incidents * ln(pairs.days / (pairs.days + pairs.previous_days))
            + (pairs.both_incidents - later_incidents) * ln(pairs.previous_days / (pairs.days + pairs.previous_days))
        ) as probability
    from pairs
    cross join unnest(generate_array(0, pairs.both_incidents)) as later_incidents
    inner join log_factorials as everyone on pairs.both_incidents = everyone.number
    inner join log_factorials as later on later_incidents = later.number
    inner join log_factorials as earlier on pairs.both_incidents - later_incidents = earlier.number

),

landmarks as (

    select
        *,
        max(if(later_incidents = incidents, probability, null)) over (
            partition by period_grain, period_start, severity_level
        ) as seen_probability,
        min(if(later_incidents in (0, both_incidents), probability, null)) over (
            partition by period_grain, period_start, severity_level
        ) as least_probability
    from outcomes

),

-- Both tails: all outcomes that are no likelier than what was seen, within rounding.
final as (

    select
        period_grain,
        period_start,
        severity_level,
        incidents / max(days) > max(previous_incidents) / max(previous_days) as is_more,
        least(sum(if(probability <= seen_probability * (1 + 1e-7), probability, 0)), 1) as p_value,
        sum(if(probability <= least_probability * (1 + 1e-7), probability, 0)) as least_p_value
    from landmarks
    group by period_grain, period_start, severity_level, incidents

)

select * from final
