{{ config(materialized='table') }}

with

rules as (

    {{ valid_rule(ref('classification_rules'), 'logs_missing') }}

),

limits as (

    {{ valid_limits(ref('runtime_limits'), ['log_silence_factor', 'log_silences_unusual']) }}

),

arrivals as (

    select arrivals.*
    from {{ ref('int_log_arrivals_aggregated') }} as arrivals
    cross join rules
    where
        arrivals.arrival_day >= date_sub(date({{ as_of() }}), interval 40 day)
        and arrivals.arrival_hour >= timestamp_sub({{ as_of() }}, interval rules.window_minutes minute)

),

-- How long it was quiet before each hour that has an entry.
silences as (

    select
        sink_name,
        last_logged_at,
        entries,
        timestamp_diff(
            first_logged_at,
            lag(last_logged_at) over (partition by sink_name order by arrival_hour),
            microsecond
        ) as silence_microseconds
    from arrivals

),

ranked as (

    select
        *,
        row_number() over (
            partition by sink_name order by coalesce(silence_microseconds, -1) desc, last_logged_at desc
        ) as silence_rank
    from silences

),

-- The longest silences of four weeks are outages and holidays; the next one is usual.
sinks as (

    select
        ranked.sink_name,
        max(ranked.last_logged_at) as last_logged_at,
        sum(ranked.entries) as entries,
        countif(
            ranked.silence_rank > limits.log_silences_unusual and ranked.silence_microseconds is not null
        ) as silences,
        max(if(ranked.silence_rank > limits.log_silences_unusual, ranked.silence_microseconds, null))
            as usual_microseconds
    from ranked
    cross join limits
    group by ranked.sink_name

),

-- Of fewer nobody knows what is usual.
watched as (

    select
        sinks.*,
        rules.rule_id,
        rules.severity_level,
        rules.is_lower_inclusive,
        cast(
            round(
                greatest(
                    cast(rules.lower_value as float64) * 60000000,
                    cast(limits.log_silence_factor as float64) * sinks.usual_microseconds
                )
            ) as int64
        ) as allowed_microseconds
    from sinks
    cross join rules
    cross join limits
    where sinks.silences >= rules.min_observations

),

final as (

    select
        'log_arrivals' as source,
        concat('log:', sink_name) as source_key,
        rule_id,
        concat('log:', sink_name) as component,
        severity_level,
        concat(
            sink_name, ': no entry has come since ', format_timestamp('%Y-%m-%d %H:%M', last_logged_at), ' UTC'
        ) as title,
        timestamp_add(
            last_logged_at, interval allowed_microseconds + if(is_lower_inclusive, 0, 1) microsecond
        ) as started_at,
        cast(null as timestamp) as ended_at,
        last_logged_at as observed_at,
        cast(null as float64) as value,  -- noqa: RF04
        concat(cast(div(allowed_microseconds, 60000000) as string), ' minutes without an entry') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                sink_name as sink,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', last_logged_at) as last_entry_at,
                entries as entries_of_window,
                div(usual_microseconds, 60000000) as usual_silence_minutes
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from watched

)

select * from final
