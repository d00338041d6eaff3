{#- `after_open_time` of response/rules/timeline.py. -#}
with

clocks as (

    select
        *,
        cast(round(after_minutes * 60000000) as int64) as after_microseconds
    from {{ ref('int_incident_clocks_unioned') }}

),

periods as (

    select * from {{ ref('int_incident_open_periods_sequenced') }}

),

-- For how long it was open since the clock began, before each of the times for which it was open.
clock_periods as (

    select
        clocks.*,
        periods.period_order,
        periods.closed_at,
        greatest(periods.opened_at, clocks.counts_from) as resumed_at,
        coalesce(
            sum(timestamp_diff(periods.closed_at, greatest(periods.opened_at, clocks.counts_from), microsecond)) over (
                partition by clocks.incident_id, clocks.clock, clocks.severity_level, clocks.entry_order
                order by periods.period_order
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as microseconds_before
    from clocks
    inner join periods
        on
            clocks.incident_id = periods.incident_id
            and (periods.closed_at is null or clocks.counts_from <= periods.closed_at)

),

clock_period_ends as (

    select
        *,
        timestamp_add(resumed_at, interval (after_microseconds - microseconds_before) microsecond) as ends_at
    from clock_periods

),

-- `ended_at` is null where it was over before; `planned_at` is when it would have ended then.
final as (

    select
        incident_id,
        clock,
        entry_order,
        severity_level,
        any_value(severity_rank) as severity_rank,
        any_value(severity_levels) as severity_levels,
        any_value(within_minutes) as within_minutes,
        any_value(unless) as unless,
        any_value(lowered_at) as lowered_at,
        any_value(runs_since) as runs_since,
        min(if(closed_at is null or ends_at < closed_at, ends_at, null)) as ended_at,
        any_value(ends_at having max period_order) as last_ends_at
    from clock_period_ends
    group by incident_id, clock, entry_order, severity_level

)

select * from final
