-- The health score from 0 to 100 and a row per part of it: the mean by weight, at most what the worst part allows.
with

parts as (

    select * from {{ ref('health_score_parts') }}

),

incidents as (

    select * from {{ ref('incident_state') }}
    where is_open and {{ is_counted() }} and detection_time <= @as_of

),

severities as (

    select * from {{ ref('dim_severities') }}

),

data_days as (

    select * from {{ ref('rpt_data_quality_by_data_day') }}
    where last_checked_at <= @as_of and last_checked_at > timestamp_sub(@as_of, interval 7 day)

),

freshness as (

    select * from {{ ref('fct_usage_freshness') }}

),

run_steps as (

    select * from {{ ref('fct_run_steps') }}
    -- A run starts at its as-of time or after it: the day of the start is what the table is partitioned by.
    where
        command = 'run'
        and as_of <= @as_of
        and as_of > timestamp_sub(@as_of, interval 30 day)
        and started_at > timestamp_sub(@as_of, interval 30 day)

),

notifications as (

    select * from {{ ref('fct_notifications') }}
    where created_at <= @as_of and created_at > timestamp_sub(@as_of, interval 7 day)

),

probes as (

    select * from {{ ref('fct_api_health') }}
    where probed_at <= @as_of and probed_at > timestamp_sub(@as_of, interval 1 hour)

),

-- Each pipeline whose runs are known: the signal that one is missing begins when it is.
pipelines as (

    select * from {{ ref('fct_signals') }}
    where source = 'pipeline' and observed_at <= @as_of

),

tables as (

    select
        table_name,
        logical_or(is_bad) as is_bad
    from data_days
    group by table_name

),

runs as (

    select
        run_id,
        holder,
        max(as_of) as run_time,
        logical_or(outcome = 'failed') as is_failed
    from run_steps
    group by run_id, holder

),

runs_counted as (

    select
        count(*) as runs_known,
        countif(run_time > timestamp_sub(@as_of, interval 24 hour)) as runs_recent,
        countif(run_time > timestamp_sub(@as_of, interval 24 hour) and not is_failed) as runs_good
    from runs

),

severities_ranked as (

    select
        severity_level,
        100 * severity_rank / count(*) over () as score
    from severities

),

scores as (

    select
        'open_incidents' as part,
        coalesce(min(severities_ranked.score), 100) as score
    from incidents
    left join severities_ranked on incidents.severity_level = severities_ranked.severity_level
    union all
    select
        'data_quality' as part,
        100 * safe_divide(countif(not is_bad), countif(is_bad is not null)) as score
    from tables
    union all
    select
        'source_freshness' as part,
        100 * safe_divide(countif({{ minutes_since('last_usage_at') }} <= 60 * late_after_hours), count(*)) as score
    from freshness
    union all
    select
        'ledger_runs' as part,
        if(runs_known = 0, null, coalesce(100 * safe_divide(runs_good, runs_recent), 0)) as score
    from runs_counted
    union all
    select
        'message_delivery' as part,
        100 * safe_divide(countif(status = 'sent'), count(*)) as score
    from notifications
    union all
    select
        'api_health' as part,
        100 * safe_divide(countif(is_healthy), count(*)) as score
    from probes
    union all
    select
        'pipeline_runs' as part,
        100 * safe_divide(countif(started_at > @as_of), count(*)) as score
    from pipelines

),

parts_scored as (

    select
        parts.part,
        parts.measured,
        scores.score,
        cast(parts.weight as float64) as weight,
        cast(parts.cap_at_zero as float64) + (100 - cast(parts.cap_at_zero as float64)) * scores.score / 100 as cap
    from parts
    left join scores on parts.part = scores.part

),

totals as (

    select
        sum(weight * score) / sum(if(score is null, null, weight)) as mean_score,
        min(cap) as lowest_cap
    from parts_scored

),

final as (

    select
        0 as part_order,
        'Health score' as part,
        least(mean_score, lowest_cap) as score,
        cast(null as float64) as weight,
        lowest_cap as cap,
        if(lowest_cap < mean_score, 'held down by its worst part', 'the mean of its parts') as part_state,
        'The mean of what is watched, by weight, and at most what the worst part allows' as measured
    from totals
    union all
    select
        1 as part_order,
        replace(parts_scored.part, '_', ' ') as part,
        parts_scored.score,
        if(parts_scored.score is null, null, parts_scored.weight) as weight,
        parts_scored.cap,
        case
            when parts_scored.score is null then 'not watched'
            when parts_scored.cap = totals.lowest_cap and totals.lowest_cap < totals.mean_score
                then 'holds the score down'
            else 'counted'
        end as part_state,
        parts_scored.measured
    from parts_scored
    cross join totals

)

select * from final
order by part_order asc, weight desc, part asc
