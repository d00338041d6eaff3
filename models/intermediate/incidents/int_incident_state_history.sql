with

incidents as (

    select * from {{ ref('incident_state') }}

),

final as (

    {{ clock_entries('incidents') }}

)

select * from final
