with

raw_events as (

    select * from {{ source('incident_ledger_raw', 'incident_events') }}

),

-- BigQuery may let two MERGEs that only insert run at once and both insert: the first copy of an event counts.
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
        severity_level,
        case when payload is null then '{}' else to_json_string(payload) end as payload
    from raw_events
    where true
    qualify row_number() over (partition by event_id order by recorded_at) = 1

)

select * from final
