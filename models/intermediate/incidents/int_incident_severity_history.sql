with

entries as (

    select * from {{ ref('int_incident_state_history') }}
    where event_type in ('detected', 'severity_changed') and severity_level is not null

),

entries_compared as (

    select
        *,
        lag(severity_level) over (partition by incident_id order by entry_order) as previous_severity_level
    from entries

),

-- The same severity again begins no new row.
changes as (

    select
        incident_id,
        entry_order,
        severity_level,
        detection_time,
        greatest(occurred_at, detection_time) as valid_from
    from entries_compared
    where previous_severity_level is null or previous_severity_level != severity_level

),

final as (

    select
        incident_id,
        entry_order,
        severity_level,
        detection_time,
        valid_from,
        lead(valid_from) over (partition by incident_id order by entry_order) as valid_to
    from changes

)

select * from final
