{{ config(materialized='view') }}

with

said as (

    select * from {{ ref('int_incidents_said') }}

),

outages as (

    select * from {{ ref('int_incident_outages_summed') }}

),

component_lists as (

    select * from {{ ref('int_incident_components_listed') }}

),

derived as (

    select
        said.* except (status, start_time, closed_time, services),
        if(said.detected_by = 'vendor', said.person_acknowledged_time, said.acknowledged_time)
            as our_acknowledged_time,
        -- A vendor's incident is ours by what a person here did before it was over; what is over needs no clock.
        said.detected_by != 'vendor'
        or coalesce(said.person_acted_time <= outages.first_resolution_time, said.person_acted_time is not null)
            as has_sla,
        component_lists.components,
        outages.last_resolution_time,
        outages.last_reopened_time,
        coalesce(outages.is_resolved, false) as is_resolved,
        coalesce(outages.reopen_count, 0) as reopen_count,
        coalesce(outages.reopened_gap_microseconds, 0) as reopened_gap_microseconds,
        coalesce(said.later_title, said.first_title) as title,
        if(said.start_time <= said.detection_time, said.start_time, null) as start_time,
        component_lists.components[safe_offset(0)] as component,
        array(
            select service
            from unnest(json_value_array(said.services)) as service with offset as place
            where service is not null
            order by place
        ) as services,
        if(outages.is_resolved, outages.last_resolution_time, null) as resolution_time,
        if(outages.is_resolved, said.closed_time, null) as closed_time,
        case
            when outages.is_resolved then 'resolved'
            when said.cause_order > said.status_order and coalesce(said.status, 'investigating') = 'investigating'
                then 'identified'
            else coalesce(said.status, 'investigating')
        end as status
    from said
    left join outages on said.incident_id = outages.incident_id
    left join component_lists on said.incident_id = component_lists.incident_id
    where said.detection_time is not null

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
        detected_severity_level,
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
        not is_resolved and not is_retracted and merged_into is null as is_open
    from derived

)

select * from final
