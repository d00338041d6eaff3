with

raw_incidents as (

    select * from {{ source('incident_ledger_raw', 'settled_incidents') }}

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
    from raw_incidents

)

select * from final
