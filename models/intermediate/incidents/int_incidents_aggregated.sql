with

events as (

    select * from {{ ref('int_incident_events_sequenced') }}

),

-- The actor that wrote the detection.
detectors as (

    select
        incident_id,
        any_value(actor having min event_order) as actor
    from events
    where event_type = 'detected'
    group by incident_id

),

severities as (

    select
        severity_level,
        severity_rank
    from {{ ref('severities') }}

),

final as (

    select
        events.incident_id,
        any_value(source having min event_order) as source,  -- noqa: RF04
        any_value(source_key having min event_order) as source_key,
        {{ detected_by('any_value(source having min event_order)') }} as detected_by,
        any_value(occurred_at having min if(event_type = 'detected', event_order, null)) as detection_time,
        any_value(title having min if(event_type = 'detected', event_order, null)) as first_title,
        any_value(title having max if(event_type = 'note' and title is not null, event_order, null)) as later_title,
        {{ first_value('description') }} as description,
        {{ first_value('rule_id') }} as rule_id,
        {{ first_value('start_time') }} as start_time,
        {{ first_value('events.severity_level') }} as initial_severity_level,
        {{ latest_value('events.severity_level') }} as severity_level,
        {{ worst_severity("if(events.actor = detectors.actor, events.severity_level, null)") }}
            as worst_detected_severity_level,
        {{ latest_value('status') }} as status,
        max(if(status is not null, event_order, 0)) as status_order,
        max(if(event_type = 'root_cause_identified', event_order, 0)) as cause_order,
        logical_or(event_type = 'retracted') as is_retracted,
        -- A split undoes the mergers before it.
        if(
            max(if(event_type = 'split', event_order, 0)) > max(if(merged_into is not null, event_order, 0)),
            null,
            {{ latest_value('merged_into') }}
        ) as merged_into,
        min(if(event_type = 'acknowledged', occurred_at, null)) as acknowledged_time,
        min(if(event_type = 'acknowledged' and {{ is_person('events.actor') }}, occurred_at, null))
            as person_acknowledged_time,
        -- A note is not an action.
        min(if(event_type not in ('detected', 'note') and {{ is_person('events.actor') }}, occurred_at, null))
            as person_acted_time,
        min(if(status = 'identified' or event_type = 'root_cause_identified', occurred_at, null)) as identified_time,
        min(if(is_contained, occurred_at, null)) as contained_time,
        max(if(event_type = 'review_completed', occurred_at, null)) as closed_time,
        {{ latest_value('root_cause_category') }} as root_cause_category,
        {{ latest_value('incident_commander') }} as incident_commander,
        {{ latest_value('war_room_url') }} as war_room_url,
        {{ latest_value('estimated_resolution_time') }} as estimated_resolution_time,
        {{ latest_value('user_impact') }} as user_impact,
        {{ latest_value('financial_impact') }} as financial_impact,
        {{ latest_value('services') }} as services,
        {{ latest_value('evidence') }} as evidence,
        array_agg(
            if(
                event_type != 'notified'
                and ({{ is_person('events.actor') }} or event_type in ({{ clock_event_types() }})),
                {{ clock_entry() }},
                null
            )
            ignore nulls
            order by event_order
        ) as clock_history,
        count(*) as event_count,
        max(occurred_at) as last_event_time
    from events
    left join detectors on events.incident_id = detectors.incident_id
    left join severities on events.severity_level = severities.severity_level
    group by events.incident_id

)

select * from final
