{{ config(materialized='view') }}

with

current_events as (

    select
        incident_id,
        event_type
    from {{ ref('stg_ledger__current_incident_events') }}

),

current_incidents as (

    select * from {{ ref('int_current_incidents_derived') }}

),

-- A settled incident with a new event is current again, with all of its events.
settled_incidents as (

    select * from {{ ref('stg_ledger__settled_incidents') }}
    where
        incident_id not in (
            select current_events.incident_id
            from current_events
            where current_events.event_type = 'detected'
        )

),

final as (

    select
        incident_id,
        source,
        source_key,
        detected_by,
        has_sla,
        title,
        description,
        rule_id,
        severity_level,
        initial_severity_level,
        worst_detected_severity_level,
        status,
        is_retracted,
        merged_into,
        component,
        components,
        start_time,
        detection_time,
        acknowledged_time,
        our_acknowledged_time,
        identified_time,
        contained_time,
        resolution_time,
        last_resolution_time,
        closed_time,
        reopen_count,
        reopened_gap_microseconds,
        last_reopened_time,
        root_cause_category,
        incident_commander,
        war_room_url,
        estimated_resolution_time,
        user_impact,
        financial_impact,
        services,
        evidence,
        event_count,
        last_event_time,
        clock_history,
        is_open
    from current_incidents

    union all

    select
        incident_id,
        source,
        source_key,
        detected_by,
        has_sla,
        title,
        description,
        rule_id,
        severity_level,
        initial_severity_level,
        worst_detected_severity_level,
        status,
        is_retracted,
        merged_into,
        component,
        components,
        start_time,
        detection_time,
        acknowledged_time,
        our_acknowledged_time,
        identified_time,
        contained_time,
        resolution_time,
        last_resolution_time,
        closed_time,
        reopen_count,
        reopened_gap_microseconds,
        last_reopened_time,
        root_cause_category,
        incident_commander,
        war_room_url,
        estimated_resolution_time,
        user_impact,
        financial_impact,
        services,
        evidence,
        event_count,
        last_event_time,
        clock_history,
        is_open
    from settled_incidents

)

select * from final
