with

raw_incidents as (

    select * from {{ source('incident_ledger_raw', 'settled_incidents') }}

),

final as (

    select
        {{ incident_state_columns() }}
    from raw_incidents

)

select * from final
