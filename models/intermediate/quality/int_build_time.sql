{#- The as-of time for views that need one: they read it here, as a row, and have no clock. -#}
{{ config(materialized='table') }}

with

final as (

    select {{ as_of() }} as as_of

)

select * from final
