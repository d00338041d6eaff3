{#- `Timeline.periods` of response/rules/timeline.py is the same. -#}
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
        'open' as state
    from history
    group by incident_id, detection_time

    union all

    select
        incident_id,
        greatest(occurred_at, detection_time) as changed_at,
        entry_order,
        if(status = 'resolved', 'resolved', 'open') as state
    from history
    where status = 'resolved' or event_type = 'reopened'

),

transitions_compared as (

    select
        *,
        lag(state) over (partition by incident_id order by entry_order) as previous_state
    from transitions

),

changes as (

    select
        *,
        lead(changed_at) over (partition by incident_id order by entry_order) as next_changed_at
    from transitions_compared
    where previous_state is null or previous_state != state

),

final as (

    select
        incident_id,
        row_number() over (partition by incident_id order by entry_order) as period_order,
        changed_at as opened_at,
        next_changed_at as closed_at
    from changes
    where state = 'open'

)

select * from final
