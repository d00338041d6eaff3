with

raw_events as (

    select * from {{ source('incident_ledger_raw', 'incident_events') }}

),

-- Copies of an event stay: without a window a filter on the day of recording prunes, through this view too.
final as (

    select
        event_id,
        incident_id,
        event_type,
        occurred_at,
        recorded_at,
        coalesce(first_recorded_at, recorded_at) as first_recorded_at,
        actor,
        case when payload is null then '{}' else to_json_string(payload) end as payload
    from raw_events

)

select * from final
