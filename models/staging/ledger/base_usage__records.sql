with

records as (

    select * from {{ source('incident_ledger_raw', 'usage_records') }}

),

-- The newest export of a record replaces the older. Day and source are part of the window: a filter on them prunes.
records_deduplicated as (

    select
        source,
        record_key,
        day as usage_date,
        record,
        exported_at,
        loaded_at,
        file,
        line
    from records
    where true
    qualify
        row_number() over (
            partition by day, source, record_key
            order by exported_at desc, loaded_at desc, file desc, line desc, record desc
        ) = 1

),

-- A key that was taken back has the JSON value null as its newest record.
final as (

    select * from records_deduplicated
    where record != 'null'

)

select * from final
