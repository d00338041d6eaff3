with

raw_signals as (

    select * from {{ source('incident_ledger_raw', 'signals') }}

),

-- Two commands that write at once may both insert: what was observed last counts.
final as (

    select
        source,
        source_key,
        rule_id,
        component,
        severity_level,
        title,
        started_at,
        ended_at,
        observed_at,
        value,
        threshold,
        owner,
        nullif(to_json_string(evidence), 'null') as evidence
    from raw_signals
    where true
    qualify row_number() over (partition by source, source_key order by observed_at desc, started_at desc) = 1

)

select * from final
