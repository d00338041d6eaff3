with

loads as (

    select * from {{ source('incident_ledger_raw', 'usage_loads') }}

),

-- Two loads at once may both note a day: each note is taken once.
final as (

    select
        load_id,
        source,
        day as usage_date,
        records,
        loaded_at,
        is_complete,
        file
    from loads
    where true
    qualify row_number() over (partition by day, load_id order by loaded_at) = 1

)

select * from final
