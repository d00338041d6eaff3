{#- The parts of an entry are those of the macro clock_entry. -#}
with

incidents as (

    select * from {{ ref('int_incidents_measured') }}
    where has_sla

),

entries as (

    select
        incidents.incident_id,
        incidents.detection_time,
        place as entry_order,
        split(entry, ' ') as parts
    from incidents
    cross join unnest(incidents.clock_history) as entry with offset as place

),

final as (

    select
        incident_id,
        detection_time,
        entry_order,
        timestamp_add(timestamp '1970-01-01 00:00:00+00:00', interval cast(parts[offset(0)] as int64) microsecond)
            as occurred_at,
        parts[offset(1)] as event_type,
        parts[offset(2)] = 'person' as is_by_person,
        nullif(parts[offset(3)], '-') as severity_level,
        nullif(parts[offset(4)], '-') as status,
        nullif(parts[offset(5)], '-') as step_id
    from entries

)

select * from final
