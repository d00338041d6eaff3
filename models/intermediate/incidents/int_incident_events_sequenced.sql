{#- The natural order of events of one microsecond: that of `EventType` in ledger/events.py (a test compares them). -#}
{%- set event_types = [
    'detected', 'acknowledged', 'severity_changed', 'status_changed', 'note', 'action_taken', 'escalated', 'notified',
    'impact_assessed', 'root_cause_identified', 'eta_set', 'commander_assigned', 'war_room_opened', 'update_due',
    'joined', 'split', 'resolved', 'reopened', 'review_scheduled', 'review_due', 'task_completed', 'review_completed',
    'merged', 'retracted',
] -%}

with

events as (

    select * from {{ ref('stg_ledger__current_incident_events') }}

),

superseded as (

    select distinct
        incident_id,
        json_value(payload, '$.supersedes') as event_id
    from events
    where json_value(payload, '$.supersedes') is not null

),

effective_events as (

    select
        events.*,
        case events.event_type
            {%- for event_type in event_types %}
                when '{{ event_type }}' then {{ loop.index }}
            {%- endfor %}
            else {{ event_types | length + 1 }}
        end as type_position
    from events
    left join superseded
        on
            events.incident_id = superseded.incident_id
            and events.event_id = superseded.event_id
    where superseded.event_id is null

),

final as (

    select
        event_id,
        incident_id,
        event_type,
        occurred_at,
        recorded_at,
        actor,
        source,
        source_key,
        payload,
        row_number() over (
            partition by incident_id
            order by occurred_at, type_position, event_id
        ) as event_order,
        if(event_type in ('detected', 'severity_changed'), severity_level, null) as severity_level,
        case
            when event_type = 'resolved' then 'resolved'
            when event_type = 'reopened' then coalesce(json_value(payload, '$.status'), 'investigating')
            when event_type = 'status_changed' then json_value(payload, '$.status')
        end as status,
        -- A status page's "monitoring", and what a person contained; a person's `resolving` alone is work on it.
        event_type in ('status_changed', 'reopened')
        and coalesce(json_value(payload, '$.status') = 'resolving', false)
        and (not {{ is_person('actor') }} or coalesce(json_value(payload, '$.contained') = 'true', false))
            as is_contained,
        case
            when event_type in ('escalated', 'review_due') then json_value(payload, '$.step_id')
            when event_type = 'task_completed' then json_value(payload, '$.task_id')
            when event_type = 'review_scheduled' then json_value(payload, '$.review')
        end as step_id,
        if(event_type = 'escalated', json_value(payload, '$.severity_level'), null) as escalated_severity_level,
        if(event_type in ('detected', 'note'), json_value(payload, '$.title'), null) as title,
        if(event_type = 'detected', json_value(payload, '$.description'), null) as description,
        if(event_type = 'detected', json_value(payload, '$.rule_id'), null) as rule_id,
        if(event_type = 'detected', safe_cast(json_value(payload, '$.start_time') as timestamp), null) as start_time,
        json_query(payload, '$.evidence') as evidence,
        json_value_array(payload, '$.components') as components,
        json_query(payload, '$.services') as services,
        if(event_type = 'root_cause_identified', json_value(payload, '$.category'), null) as root_cause_category,
        if(event_type = 'commander_assigned', json_value(payload, '$.name'), null) as incident_commander,
        if(event_type = 'war_room_opened', json_value(payload, '$.url'), null) as war_room_url,
        safe_cast(json_value(payload, '$.estimated_resolution_time') as timestamp) as estimated_resolution_time,
        json_value(payload, '$.user_impact') as user_impact,
        json_value(payload, '$.financial_impact') as financial_impact,
        if(event_type = 'merged', json_value(payload, '$.into'), null) as merged_into
    from effective_events

)

select * from final
