with

records as (

    select * from {{ source('incident_ledger_raw', 'usage_records') }}

),

-- Day, source and key are part of each window: a filter on them prunes.
records_compared as (

    select
        source,
        record_key,
        day as usage_date,
        record,
        exported_at,
        loaded_at,
        file,
        line,
        max(exported_at) over (
            partition by day, source, record_key
            order by loaded_at, exported_at, file, line
            rows between unbounded preceding and 1 preceding
        ) as known_exported_at
    from records

),

-- An older export that is loaded after a newer one changed nothing.
final as (

    select * except (known_exported_at)
    from records_compared
    where known_exported_at is null or exported_at >= known_exported_at

)

select * from final
