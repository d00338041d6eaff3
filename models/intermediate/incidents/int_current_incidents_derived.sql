with

incidents as (

    select * from {{ ref('int_incidents_aggregated') }}

),

resolutions as (

    select * from {{ ref('int_incident_resolutions_aggregated') }}

),

component_lists as (

    select * from {{ ref('int_incident_components_aggregated') }}

),

derived as (

    select
        incidents.* except (status, start_time, closed_time, services),
        if(incidents.detected_by = 'vendor', incidents.person_acknowledged_time, incidents.acknowledged_time)
            as our_acknowledged_time,
        -- A vendor's incident has an SLA once a person here acted on it before it was over.
        incidents.detected_by != 'vendor'
        or coalesce(
            incidents.person_acted_time <= resolutions.first_resolution_time, incidents.person_acted_time is not null
        )
            as has_sla,
        component_lists.components,
        resolutions.last_resolution_time,
        resolutions.last_reopened_time,
        coalesce(resolutions.is_resolved, false) as is_resolved,
        coalesce(resolutions.reopen_count, 0) as reopen_count,
        coalesce(resolutions.reopened_gap_microseconds, 0) as reopened_gap_microseconds,
        coalesce(incidents.later_title, incidents.first_title) as title,
        if(incidents.start_time <= incidents.detection_time, incidents.start_time, null) as start_time,
        component_lists.components[safe_offset(0)] as component,
        array(
            select service
            from unnest(json_value_array(incidents.services)) as service with offset as place
            where service is not null
            order by place
        ) as services,
        if(resolutions.is_resolved, resolutions.last_resolution_time, null) as resolution_time,
        if(resolutions.is_resolved, incidents.closed_time, null) as closed_time,
        case
            when resolutions.is_resolved then 'resolved'
            when
                incidents.cause_order > incidents.status_order
                and coalesce(incidents.status, 'investigating') = 'investigating'
                then 'identified'
            else coalesce(incidents.status, 'investigating')
        end as status
    from incidents
    left join resolutions on incidents.incident_id = resolutions.incident_id
    left join component_lists on incidents.incident_id = component_lists.incident_id
    where incidents.detection_time is not null

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
        not is_resolved and {{ is_counted() }} as is_open
    from derived

)

select * from final
