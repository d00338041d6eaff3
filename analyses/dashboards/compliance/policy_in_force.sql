-- One row per severity: what the policy asks for.
with

severities as (

    select * from {{ ref('dim_severities') }}

),

final as (

    select
        severity_level,
        severity_name,
        response_minutes,
        replace(response_basis, '_', ' ') as response_basis,
        escalation_minutes,
        replace(escalation_basis, '_', ' ') as escalation_basis,
        communication,
        review,
        severity_level as severity_filter
    from severities

)

select * from final
order by severity_level
