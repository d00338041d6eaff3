with

events as (

    select
        *,
        case
            when status = 'resolved' then 'resolved'
            when event_type = 'reopened' then 'reopened'
        end as transition
    from {{ ref('int_incident_events_sequenced') }}

),

-- Each resolution and reopening with the one before it: a gap is from a resolution to the reopening that follows it.
transitions as (

    select
        incident_id,
        transition,
        event_order,
        occurred_at,
        lag(transition) over (partition by incident_id order by event_order) as previous_transition,
        lag(occurred_at) over (partition by incident_id order by event_order) as previous_time
    from events
    where transition is not null

),

final as (

    select
        incident_id,
        any_value(transition having max event_order) = 'resolved' as is_resolved,
        min(if(transition = 'resolved', occurred_at, null)) as first_resolution_time,
        any_value(occurred_at having max if(transition = 'resolved', event_order, null)) as last_resolution_time,
        any_value(occurred_at having max if(transition = 'reopened', event_order, null)) as last_reopened_time,
        countif(transition = 'reopened' and previous_transition = 'resolved') as reopen_count,
        sum(
            if(
                transition = 'reopened' and previous_transition = 'resolved',
                timestamp_diff(occurred_at, previous_time, microsecond),
                0
            )
        ) as reopened_gap_microseconds
    from transitions
    group by incident_id

)

select * from final
