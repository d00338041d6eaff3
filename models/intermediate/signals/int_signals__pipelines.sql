{{ config(materialized='table') }}

with

pipeline_runs as (

    select * from {{ ref('fct_pipeline_runs') }}
    where run_day >= date_sub(date({{ as_of() }}), interval 40 day)

),

-- All rows of a pipeline with one `valid_from` are one version.
schedules as (

    select *
    from {{ ref('pipeline_schedules') }}
    where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
    qualify
        rank() over (
            partition by pipeline order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') desc
        ) = 1

),

calendars as (

    select *
    from {{ ref('business_calendar') }}
    where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
    qualify row_number() over (order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') desc) = 1

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'complete_pipeline_failure') }}

),

last_runs as (

    select
        pipeline,
        max(ended_at) as succeeded_at
    from pipeline_runs
    where outcome = 'succeeded'
    group by pipeline

),

last_failures as (

    select
        pipeline,
        max(ended_at) as failed_at,
        any_value(message having max ended_at) as failure_message
    from pipeline_runs
    where outcome = 'failed'
    group by pipeline

),

-- A week after the last success each time of the schedule has come once.
scheduled_times as (

    select
        last_runs.*,
        cast(
            concat(
                cast(date_add(date(last_runs.succeeded_at, calendars.time_zone), interval days_later day) as string),
                ' ',
                cast(schedules.starts_at as string), ' ', calendars.time_zone
            ) as timestamp
        ) as due_at
    from last_runs
    inner join schedules on last_runs.pipeline = schedules.pipeline
    cross join calendars
    cross join unnest(generate_array(0, 7)) as days_later
    where
        ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'][
            offset(
                extract(
                    dayofweek from date_add(date(last_runs.succeeded_at, calendars.time_zone), interval days_later day)
                ) - 1
            )
        ] = schedules.weekday

),

next_due as (

    select
        scheduled_times.pipeline,
        scheduled_times.succeeded_at,
        last_failures.failed_at,
        last_failures.failure_message,
        min(scheduled_times.due_at) as due_at
    from scheduled_times
    left join last_failures
        on
            scheduled_times.pipeline = last_failures.pipeline
            and scheduled_times.succeeded_at < last_failures.failed_at
    where scheduled_times.due_at > scheduled_times.succeeded_at
    group by
        scheduled_times.pipeline, scheduled_times.succeeded_at, last_failures.failed_at, last_failures.failure_message

),

-- The playbook says "over": a microsecond is.
final as (

    select
        'pipeline' as source,
        concat('pipeline:', next_due.pipeline) as source_key,
        rules.rule_id,
        concat('pipeline:', next_due.pipeline) as component,
        rules.severity_level,
        concat(
            next_due.pipeline, ': no run has succeeded since ',
            format_timestamp('%Y-%m-%d %H:%M', next_due.succeeded_at), ' UTC; one was due at ',
            format_timestamp('%Y-%m-%d %H:%M', next_due.due_at), ' UTC'
        ) as title,
        timestamp_add(
            next_due.due_at,
            interval cast(rules.lower_value * 60000000 as int64) + if(rules.is_lower_inclusive, 0, 1) microsecond
        ) as started_at,
        cast(null as timestamp) as ended_at,
        next_due.succeeded_at as observed_at,
        cast(null as float64) as value,  -- noqa: RF04
        concat(cast(rules.lower_value as string), ' minutes after its schedule') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                next_due.pipeline as pipeline,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', next_due.succeeded_at) as last_succeeded_at,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', next_due.due_at) as due_at,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', next_due.failed_at) as last_failed_at,
                next_due.failure_message as last_failure
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from next_due
    cross join rules

)

select * from final
