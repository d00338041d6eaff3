with

intervals as (

    select
        *,
        timestamp_add(restarted_at, interval interval_microseconds microsecond) as due_at,
        least(
            greatest(div(timestamp_diff(ended_at, restarted_at, microsecond) - 1, interval_microseconds), 0),
            update_requests
        ) as missed_updates
    from {{ ref('int_incident_update_intervals_sequenced') }}

),

-- The interval that is not over yet is for its reader to count, who has a clock.
final as (

    select
        incident_id,
        countif(is_ended_by_update and missed_updates = 0) as kept_updates,
        sum(coalesce(missed_updates, 0)) as missed_updates,
        min(if(missed_updates > 0, due_at, null)) as first_missed_at,
        sum(if(missed_updates > 0, timestamp_diff(ended_at, due_at, microsecond), 0)) as late_microseconds,
        max(if(ended_at is null, restarted_at, null)) as running_since,
        max(if(ended_at is null, interval_microseconds, null)) as running_microseconds,
        max(update_requests) as update_requests
    from intervals
    group by incident_id

)

select * from final
