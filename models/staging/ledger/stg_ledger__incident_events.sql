with

raw_events as (

    select * from {{ source('incident_ledger_raw', 'incident_events') }}

),

final as (

    {{ events_once('raw_events') }}

)

select * from final
