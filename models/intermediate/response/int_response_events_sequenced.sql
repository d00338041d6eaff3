with

recorded_events as (

    select * from {{ ref('int_response_events_history') }}

),

superseded as (

    select distinct
        incident_id,
        superseded_event_id
    from recorded_events
    where superseded_event_id is not null

),

final as (

    select
        recorded_events.event_id,
        recorded_events.incident_id,
        recorded_events.event_type,
        recorded_events.occurred_at,
        recorded_events.recorded_at,
        recorded_events.actor,
        json_value(recorded_events.payload, '$.step_id') as step_id,
        json_value(recorded_events.payload, '$.severity_level') as severity_level,
        json_value(recorded_events.payload, '$.task_id') as task_id,
        json_value(recorded_events.payload, '$.review') as review,
        recorded_events.payload,
        row_number() over (
            partition by recorded_events.incident_id
            order by recorded_events.occurred_at, recorded_events.recorded_at, recorded_events.event_id
        ) as event_order
    from recorded_events
    left join superseded
        on
            recorded_events.incident_id = superseded.incident_id
            and recorded_events.event_id = superseded.superseded_event_id
    where superseded.superseded_event_id is null

)

select * from final
