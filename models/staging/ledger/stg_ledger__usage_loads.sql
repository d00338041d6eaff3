with

loads as (

    select * from {{ source('incident_ledger_raw', 'usage_loads') }}

),

-- Not made unique here: a window would have to know all loads, and a filter on `recorded_at` would no longer prune.
final as (

    select
        load_id,
        source,
        day as usage_date,
        records,
        loaded_at,
        is_complete,
        file,
        recorded_at
    from loads

)

select * from final
