with

source as (

    select * from {{ source('incident_ledger_raw', 'probe_results') }}

),

-- Two commands that write at once may both insert. `probed_at` is part of the key, so that a filter prunes.
final as (

    select
        {{ surrogate_key(['target_id', 'probed_at']) }} as probe_result_id,
        target_id,
        probed_at,
        kind,
        component,
        failure_kind,
        status_code,
        latency_ms,
        attempts,
        detail
    from source
    where true
    qualify row_number() over (partition by probed_at, target_id order by attempts) = 1

)

select * from final
