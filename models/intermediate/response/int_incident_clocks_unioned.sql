{#- What clock_rules.py starts, but for responses (`incident_deadlines`) and updates. -#}
with

incidents as (

    select * from {{ ref('int_incident_clock_starts_aggregated') }}

),

escalations as (

    select * from {{ ref('int_incident_escalation_rules_sequenced') }}

),

matrix as (

    select * from {{ ref('escalation_matrix') }}

),

war_rooms as (

    select distinct
        severity_level,
        war_room_after_minutes
    from {{ ref('severities') }}
    where war_room_after_minutes is not null

),

-- The matrix is replaced whole.
steps as (

    select
        incidents.incident_id,
        matrix.step_id,
        matrix.severity_levels,
        matrix.from_minutes,
        matrix.to_minutes
    from incidents
    cross join matrix
    where matrix.valid_from is null or incidents.detection_time >= matrix.valid_from
    qualify
        rank() over (
            partition by incidents.incident_id
            order by coalesce(matrix.valid_from, timestamp '0001-01-01 00:00:00+00:00') desc
        ) = 1
        and row_number() over (partition by incidents.incident_id, matrix.valid_from, matrix.step_id) = 1

),

final as (

    select
        incidents.incident_id,
        'escalation' as clock,
        escalations.entry_order,
        escalations.severity_level,
        escalations.severity_rank,
        cast(null as string) as severity_levels,
        escalations.valid_from as counts_from,
        escalations.escalation_minutes as after_minutes,
        -- Who is to escalate at once has the time of a response for it.
        if(escalations.escalation_unless is null, coalesce(escalations.response_minutes, 0), 0) as within_minutes,
        escalations.escalation_unless as unless,
        escalations.lowered_at,
        incidents.runs_since
    from incidents
    inner join escalations on incidents.incident_id = escalations.incident_id

    union all

    select
        incidents.incident_id,
        steps.step_id as clock,
        0 as entry_order,
        cast(null as string) as severity_level,
        cast(null as int64) as severity_rank,
        steps.severity_levels,
        incidents.detection_time as counts_from,
        steps.from_minutes as after_minutes,
        steps.to_minutes - steps.from_minutes as within_minutes,
        cast(null as string) as unless,
        cast(null as timestamp) as lowered_at,
        incidents.runs_since
    from incidents
    inner join steps on incidents.incident_id = steps.incident_id

    union all

    select
        incidents.incident_id,
        'war_room' as clock,
        0 as entry_order,
        war_rooms.severity_level,
        cast(null as int64) as severity_rank,
        war_rooms.severity_level as severity_levels,
        incidents.detection_time as counts_from,
        war_rooms.war_room_after_minutes as after_minutes,
        0 as within_minutes,
        cast(null as string) as unless,
        cast(null as timestamp) as lowered_at,
        incidents.runs_since
    from incidents
    cross join war_rooms

)

select * from final
