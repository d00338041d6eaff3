with

clocks as (

    select
        *,
        greatest(coalesce(ended_at, last_ends_at), runs_since) as planned_at
    from {{ ref('int_incident_clock_ends_aggregated') }}
    where clock = 'escalation'

),

deadlines as (

    select * from {{ ref('int_incident_clock_deadlines') }}
    where clock = 'escalation'

),

periods as (

    select * from {{ ref('int_incident_open_periods_sequenced') }}

),

containments as (

    select * from {{ ref('int_incident_clock_history') }}
    where status = 'contained'

),

events as (

    select
        incident_id,
        escalated_severity_level as severity_level,
        min(recorded_at) as recorded_at
    from {{ ref('int_incident_events_sequenced') }}
    where event_type = 'escalated' and step_id = 'escalation'
    group by incident_id, escalated_severity_level

),

-- Where it does not fall due.
stops as (

    select
        incident_id,
        'resolved' as stopped_by,
        closed_at as stopped_at
    from periods
    where is_closed_by_end

    union all

    select
        incident_id,
        'contained' as stopped_by,
        occurred_at as stopped_at
    from containments

),

clocks_stopped as (

    select
        clocks.incident_id,
        clocks.severity_level,
        clocks.severity_rank,
        clocks.unless,
        clocks.within_minutes,
        clocks.lowered_at,
        clocks.planned_at,
        deadlines.fell_due_at,
        max(if(stops.stopped_at <= clocks.planned_at, stops.stopped_at, null)) as stopped_before_at,
        min(if(stops.stopped_at > deadlines.fell_due_at, stops.stopped_at, null)) as stopped_after_at
    from clocks
    left join deadlines
        on
            clocks.incident_id = deadlines.incident_id
            and clocks.entry_order = deadlines.entry_order
            and clocks.severity_level = deadlines.severity_level
    left join stops
        on
            clocks.incident_id = stops.incident_id
            and (stops.stopped_by = 'resolved' or clocks.unless = 'contained')
    group by
        clocks.incident_id,
        clocks.entry_order,
        clocks.severity_level,
        clocks.severity_rank,
        clocks.unless,
        clocks.within_minutes,
        clocks.lowered_at,
        clocks.planned_at,
        deadlines.fell_due_at

),

-- What nobody stopped before it was to fall due did, or its severity was lowered by then.
clocks_ranked as (

    select
        *,
        coalesce(fell_due_at, planned_at) as due_at,
        min(if(fell_due_at is null, null, severity_rank)) over (
            partition by incident_id
            order by coalesce(fell_due_at, planned_at), severity_rank
            rows between unbounded preceding and 1 preceding
        ) as worst_rank_before
    from clocks_stopped
    where
        fell_due_at is not null
        or (unless is not null and stopped_before_at is not null and coalesce(stopped_before_at < lowered_at, true))

),

-- One that fell due is not repeated for a milder severity, or for the same.
final as (

    select
        clocks_ranked.incident_id,
        clocks_ranked.severity_level,
        clocks_ranked.due_at,
        timestamp_add(
            clocks_ranked.due_at, interval cast(round(clocks_ranked.within_minutes * 60000000) as int64) microsecond
        ) as kept_until,
        case
            when clocks_ranked.unless is null then events.recorded_at
            when clocks_ranked.fell_due_at is null then clocks_ranked.stopped_before_at
            else clocks_ranked.stopped_after_at
        end as met_at
    from clocks_ranked
    left join events
        on
            clocks_ranked.incident_id = events.incident_id
            and clocks_ranked.severity_level = events.severity_level
    where clocks_ranked.worst_rank_before is null or clocks_ranked.severity_rank < clocks_ranked.worst_rank_before
    qualify
        row_number() over (
            partition by clocks_ranked.incident_id, clocks_ranked.severity_level
            order by clocks_ranked.fell_due_at is null, clocks_ranked.due_at
        ) = 1

)

select * from final
