with

incidents as (

    select * from {{ ref('int_current_incidents_derived') }}

),

final as (

    {{ clock_entries('incidents') }}

)

select * from final
