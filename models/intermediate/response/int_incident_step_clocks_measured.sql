with

deadlines as (

    select * from {{ ref('int_incident_clock_deadlines') }}
    where clock != 'escalation'

),

clocks as (

    select * from {{ ref('int_incident_clock_ends_aggregated') }}

),

events as (

    select
        incident_id,
        step_id,
        min(recorded_at) as recorded_at
    from {{ ref('int_incident_events_sequenced') }}
    where event_type = 'escalated'
    group by incident_id, step_id

),

war_rooms as (

    select
        incident_id,
        min(occurred_at) as opened_at
    from {{ ref('int_incident_clock_history') }}
    where event_type = 'war_room_opened'
    group by incident_id

),

-- A step is taken by the ledger, which records it; a war room is opened by a person, which takes its step too.
final as (

    select
        deadlines.incident_id,
        deadlines.clock,
        deadlines.due_severity_level as severity_level,
        deadlines.fell_due_at as due_at,
        timestamp_add(
            deadlines.fell_due_at, interval cast(round(clocks.within_minutes * 60000000) as int64) microsecond
        ) as kept_until,
        case deadlines.clock
            when 'war_room' then war_rooms.opened_at
            when 'war_room_activation'
                then
                    if(
                        events.recorded_at is null or war_rooms.opened_at < events.recorded_at,
                        war_rooms.opened_at,
                        events.recorded_at
                    )
            else events.recorded_at
        end as met_at
    from deadlines
    inner join clocks
        on
            deadlines.incident_id = clocks.incident_id
            and deadlines.clock = clocks.clock
            and coalesce(deadlines.severity_level, '') = coalesce(clocks.severity_level, '')
    left join events
        on deadlines.incident_id = events.incident_id and deadlines.clock = events.step_id
    left join war_rooms on deadlines.incident_id = war_rooms.incident_id
    where true
    -- Of war rooms of several severities the first.
    qualify
        row_number() over (partition by deadlines.incident_id, deadlines.clock order by deadlines.fell_due_at) = 1

)

select * from final
