-- One row: how many incidents are open, the worst severity of them, and for how long the oldest of it is open.
with

incidents as (

    select * from {{ ref('incident_state') }}
    where is_open and {{ is_counted() }} and detection_time <= @as_of

),

severities as (

    select * from {{ ref('dim_severities') }}

),

clocks as (

    select * from {{ ref('fct_response_sla') }}

),

aged as (

    select
        incidents.incident_id,
        incidents.severity_level,
        severities.severity_rank,
        min(severities.severity_rank) over () as worst_rank,
        greatest({{ minutes_since('incidents.detection_time') }} - incidents.reopened_gap_microseconds / 60000000, 0)
            as open_minutes
    from incidents
    left join severities on incidents.severity_level = severities.severity_level

),

overdue as (

    select count(*) as overdue_clocks
    from clocks
    inner join incidents on clocks.incident_id = incidents.incident_id
    where clocks.met_at is null and clocks.is_met is not true and coalesce(clocks.kept_until, clocks.due_at) < @as_of

),

final as (

    select
        count(*) as open_incidents,
        max(if(aged.severity_rank = aged.worst_rank, aged.severity_level, null)) as worst_severity,
        max(if(aged.severity_rank = aged.worst_rank, aged.open_minutes, null)) as since_minutes,
        max(overdue.overdue_clocks) as overdue_clocks
    from aged
    cross join overdue

)

select * from final
