with

incidents as (

    select * from {{ ref('int_current_incidents_measured') }}
    where has_sla

),

final as (

    {{ clock_entries('incidents') }}

)

select * from final
