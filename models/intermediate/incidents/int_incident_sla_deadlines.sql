{#- A table, since what reads it is built whenever the clock moves: as a view it would read every event each time. -#}
{{ config(materialized='table') }}

with

deadlines as (

    select * from {{ ref('incident_deadlines') }}

),

final as (

    select
        incident_id,
        response_time,
        response_severity_level,
        response_deadline,
        escalation_deadline
    from deadlines

)

select * from final
