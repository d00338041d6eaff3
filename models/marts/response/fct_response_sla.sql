{#- A view over what is kept of each incident; its one clock is a row of `int_build_time`. -#}
{{ config(materialized='view') }}

with

clocks as (

    select * from {{ ref('int_incident_sla_clocks_unioned') }}

),

build_time as (

    select * from {{ ref('int_build_time') }}

),

-- Requests that fell due since the last update, up to as many as are asked for in a row.
clocks_counted as (

    select
        clocks.*,
        build_time.as_of,
        clocks.clock = 'updates' as is_updates,
        coalesce(
            least(
                div(
                    greatest(timestamp_diff(build_time.as_of, clocks.running_since, microsecond), 0),
                    clocks.running_microseconds
                ),
                clocks.update_requests
            ),
            0
        ) as running_missed_updates
    from clocks
    cross join build_time

),

clocks_timed as (

    select
        * except (due_at, late_microseconds),
        missed_updates + running_missed_updates as all_missed_updates,
        if(
            is_updates,
            coalesce(first_missed_at, timestamp_add(running_since, interval running_microseconds microsecond)),
            due_at
        ) as due_at,
        late_microseconds
        + if(
            running_missed_updates > 0,
            timestamp_diff(as_of, running_since, microsecond) - running_microseconds,
            0
        ) as late_updates_microseconds,
        -- What was never met is late until the incident's end.
        coalesce(met_at, ended_at, as_of) as judged_at
    from clocks_counted

),

judged as (

    select
        *,
        case
            when is_updates and all_missed_updates > 0 then false
            when is_updates then if(running_since is null, true, null)
            when met_at is not null then coalesce(met_at <= kept_until, true)
            when as_of > kept_until then false
            when ended_at is not null then false
        end as is_met
    from clocks_timed

),

final as (

    select
        response_sla_id,
        incident_id,
        clock,
        severity_level,
        due_at,
        kept_until,
        met_at,
        is_met,
        case
            when is_met is not false then null
            when is_updates then {{ minutes('late_updates_microseconds') }}
            else {{ minutes('greatest(timestamp_diff(judged_at, coalesce(kept_until, due_at), microsecond), 0)') }}
        end as minutes_late,
        kept_updates + all_missed_updates as updates_due,
        kept_updates as updates_kept,
        detection_date,
        as_of
    from judged

)

select * from final
