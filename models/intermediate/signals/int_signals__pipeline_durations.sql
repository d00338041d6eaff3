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

    select
        max(if(limit_name = 'slow_run_deviations', value, null)) as deviations,
        max(if(limit_name = 'slow_run_percent', value, null)) as percent,  -- noqa: RF04
        max(if(limit_name = 'slow_run_baseline_runs', value, null)) as baseline_runs
    from (
        select *
        from {{ ref('runtime_limits') }}
        where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
        qualify {{ is_newest_valid(['limit_name']) }}
    )

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

spreads as (

    select
        *,
        percentile_cont(abs(duration_seconds - median_seconds), 0.5) over (partition by pipeline) as mad_seconds
    from medians

),

-- Of values that are normally distributed 1.4826 times the median absolute deviation is the standard deviation.
compared as (

    select
        spreads.*,
        spreads.median_seconds + greatest(
            cast(limits.deviations as float64) * 1.4826 * spreads.mad_seconds,
            cast(limits.percent as float64) / 100 * spreads.median_seconds
        ) as slow_seconds
    from spreads
    cross join limits
    where spreads.runs >= limits.baseline_runs

),

-- The last slow run, and the good ones on both sides of its streak.
last_slow as (

    select
        pipeline,
        max(if(duration_seconds > slow_seconds, ended_at, null)) as last_slow_at
    from compared
    group by pipeline

),

around as (

    select
        compared.pipeline,
        last_slow.last_slow_at,
        max(
            if(
                compared.duration_seconds <= compared.slow_seconds and compared.ended_at < last_slow.last_slow_at,
                compared.ended_at, null
            )
        ) as good_before_at,
        min(if(compared.ended_at > last_slow.last_slow_at, compared.ended_at, null)) as good_after_at
    from compared
    inner join last_slow on compared.pipeline = last_slow.pipeline
    where last_slow.last_slow_at is not null
    group by compared.pipeline, last_slow.last_slow_at

),

streaks as (

    select
        around.pipeline,
        around.last_slow_at,
        around.good_after_at,
        min(compared.ended_at) as started_at,
        count(*) as slow_runs,
        any_value(compared.duration_seconds having max compared.ended_at) as duration_seconds,
        any_value(compared.median_seconds) as median_seconds,
        any_value(compared.slow_seconds) as slow_seconds,
        any_value(compared.runs) as runs
    from around
    inner join compared
        on
            around.pipeline = compared.pipeline
            and around.last_slow_at >= compared.ended_at
            and coalesce(around.good_before_at, timestamp '0001-01-01 00:00:00+00') < compared.ended_at
    group by around.pipeline, around.last_slow_at, around.good_after_at

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
                streaks.pipeline as pipeline,
                streaks.slow_runs as slow_runs,
                streaks.runs as runs_of_40_days,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', streaks.last_slow_at) as last_slow_at
            )
        ) as evidence,
        {{ as_of() }} as as_of,
        'performance' as source
    from streaks
    cross join rules

)

select * from final
