{#- `int_incident_severity_history` is the same from the events; this reads none. -#}
with

history as (

    select * from {{ ref('int_incident_clock_history') }}
    where event_type in ('detected', 'severity_changed') and severity_level is not null

),

severities as (

    select
        severity_level,
        min(severity_rank) as severity_rank
    from {{ ref('severities') }}
    group by severity_level

),

history_compared as (

    select
        *,
        lag(severity_level) over (partition by incident_id order by entry_order) as previous_severity_level
    from history

),

-- The same severity again begins no new row.
changes as (

    select
        incident_id,
        entry_order,
        detection_time,
        severity_level,
        greatest(occurred_at, detection_time) as valid_from
    from history_compared
    where previous_severity_level is null or previous_severity_level != severity_level

),

final as (

    select
        changes.incident_id,
        changes.entry_order,
        changes.detection_time,
        changes.severity_level,
        severities.severity_rank,
        changes.valid_from,
        lead(changes.valid_from) over (partition by changes.incident_id order by changes.entry_order) as valid_to
    from changes
    inner join severities on changes.severity_level = severities.severity_level

)

select * from final
