{#- `Timeline.periods` of response/rules/timeline.py is the same; `reopened_at` is its `reopenings`. -#}
with

history as (

    select * from {{ ref('int_incident_clock_history') }}

),

-- The detection opens it: nothing that is dated before it counts as earlier.
transitions as (

    select
        incident_id,
        detection_time as changed_at,
        -1 as entry_order,
        'opened' as transition
    from history
    group by incident_id, detection_time

    union all

    select
        incident_id,
        greatest(occurred_at, detection_time) as changed_at,
        entry_order,
        case
            when status = 'resolved' then 'resolved'
            when event_type = 'reopened' then 'opened'
            else event_type
        end as transition
    from history
    where status = 'resolved' or event_type in ('reopened', 'merged', 'split')

),

-- The last of each kind up to here: what is resolved or merged is not open.
transitions_accumulated as (

    select
        *,
        max(if(transition = 'opened', entry_order, -2))
            over (partition by incident_id order by entry_order rows between unbounded preceding and current row)
            as opened_order,
        max(if(transition = 'resolved', entry_order, -2))
            over (partition by incident_id order by entry_order rows between unbounded preceding and current row)
            as resolved_order,
        max(if(transition = 'split', entry_order, -2))
            over (partition by incident_id order by entry_order rows between unbounded preceding and current row)
            as split_order,
        max(if(transition = 'merged', entry_order, -2))
            over (partition by incident_id order by entry_order rows between unbounded preceding and current row)
            as merged_order
    from transitions

),

transitions_compared as (

    select
        incident_id,
        changed_at,
        entry_order,
        resolved_order > opened_order as is_resolved,
        resolved_order > opened_order or merged_order > split_order as is_closed,
        lag(resolved_order > opened_order) over (partition by incident_id order by entry_order) as was_resolved,
        lag(resolved_order > opened_order or merged_order > split_order)
            over (partition by incident_id order by entry_order)
            as was_closed
    from transitions_accumulated

),

transitions_reopened as (

    select
        *,
        max(if(not is_resolved and coalesce(was_resolved, true), changed_at, null))
            over (partition by incident_id order by entry_order rows between unbounded preceding and current row)
            as reopened_at
    from transitions_compared

),

changes as (

    select
        *,
        lead(changed_at) over (partition by incident_id order by entry_order) as next_changed_at,
        lead(is_resolved) over (partition by incident_id order by entry_order) as is_next_resolved
    from transitions_reopened
    where was_closed is null or was_closed != is_closed

),

periods as (

    select
        *,
        lead(changed_at) over (partition by incident_id order by entry_order) as next_opened_at
    from changes
    where not is_closed

),

-- Of what was merged and never open again, since it was resolved meanwhile, the merger is the end.
final as (

    select
        incident_id,
        row_number() over (partition by incident_id order by entry_order) as period_order,
        changed_at as opened_at,
        next_changed_at as closed_at,
        reopened_at,
        next_changed_at is not null and (is_next_resolved or next_opened_at is null) as is_closed_by_end
    from periods

)

select * from final
