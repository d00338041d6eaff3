{{ config(materialized='table') }}

with

pipeline_runs as (

    select * from {{ ref('fct_pipeline_runs') }}
    where
        run_day >= date_sub(date({{ as_of() }}), interval 40 day)
        and outcome = 'succeeded'
        and duration_seconds is not null

),

limits as (

    {{ valid_limits(ref('runtime_limits'), ['slow_run_deviations', 'slow_run_percent', 'slow_run_baseline_runs']) }}

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'performance_issues') }}

),

medians as (

    select
        *,
        count(*) over (partition by pipeline) as runs,
        percentile_cont(duration_seconds, 0.5) over (partition by pipeline) as median_seconds
    from pipeline_runs

),

-- Of values that are normally distributed 1.4826 times the median absolute deviation is the standard deviation.
compared as (

    select
        medians.*,
        coalesce(rules.clear_minutes, 0) * 60000000 as clear_microseconds,
        medians.median_seconds + greatest(
            cast(limits.slow_run_deviations as float64) * 1.4826
            * percentile_cont(abs(medians.duration_seconds - medians.median_seconds), 0.5)
                over (partition by medians.pipeline),
            cast(limits.slow_run_percent as float64) / 100 * medians.median_seconds
        ) as slow_seconds
    from medians
    cross join limits
    cross join rules
    where medians.runs >= limits.slow_run_baseline_runs

),

slow_counted as (

    select
        *,
        duration_seconds > slow_seconds as is_slow,
        countif(duration_seconds > slow_seconds) over (
            partition by pipeline order by ended_at, duration_seconds rows between unbounded preceding and current row
        ) as slow_number
    from compared

),

-- A slow run, and the good ones up to the next: at the edge they alternate, and those of a short time end nothing.
slow_runs as (

    select
        pipeline,
        slow_number,
        min(if(is_slow, ended_at, null)) as slow_at,
        if(
            timestamp_diff(max(ended_at), min(if(is_slow, null, ended_at)), microsecond) >= clear_microseconds,
            min(if(is_slow, null, ended_at)), null
        ) as well_at,
        max(if(is_slow, duration_seconds, null)) as duration_seconds,
        any_value(median_seconds) as median_seconds,
        any_value(slow_seconds) as slow_seconds,
        any_value(runs) as runs
    from slow_counted
    where slow_number > 0
    group by pipeline, slow_number, clear_microseconds

),

slow_runs_sequenced as (

    select
        *,
        count(well_at) over (
            partition by pipeline order by slow_number rows between unbounded preceding and 1 preceding
        ) as streak
    from slow_runs

),

streaks as (

    select
        pipeline,
        streak,
        min(slow_at) as started_at,
        max(slow_at) as last_slow_at,
        max(well_at) as good_after_at,
        count(*) as slow_runs,
        any_value(duration_seconds having max slow_number) as duration_seconds,
        any_value(median_seconds) as median_seconds,
        any_value(slow_seconds) as slow_seconds,
        any_value(runs) as runs
    from slow_runs_sequenced
    group by pipeline, streak

),

final as (

    select
        concat('performance:', streaks.pipeline) as source_key,
        rules.rule_id,
        concat('pipeline:', streaks.pipeline) as component,
        rules.severity_level,
        concat(
            streaks.pipeline, ' is slow: ', cast(cast(round(streaks.duration_seconds) as int64) as string),
            ' s where ', cast(cast(round(streaks.median_seconds) as int64) as string), ' s are usual'
        ) as title,
        streaks.started_at,
        streaks.good_after_at as ended_at,
        coalesce(streaks.good_after_at, streaks.last_slow_at) as observed_at,
        streaks.duration_seconds as value,  -- noqa: RF04
        concat('over ', cast(cast(round(streaks.slow_seconds) as int64) as string), ' s') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                streaks.pipeline as pipeline, streaks.slow_runs as slow_runs,
                streaks.runs as runs_of_40_days,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', streaks.last_slow_at) as last_slow_at
            )
        ) as evidence,
        {{ as_of() }} as as_of,
        'performance' as source
    from streaks
    cross join rules
    where streaks.slow_runs >= coalesce(rules.min_observations, 1)
    qualify row_number() over (partition by streaks.pipeline order by streaks.streak desc) = 1

)

select * from final
