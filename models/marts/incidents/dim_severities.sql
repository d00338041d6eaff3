with

severities as (

    select * from {{ ref('severities') }}

),

response_rules as (

    select * from {{ ref('response_rules') }}

),

-- The rules valid at the as-of time; `operational_metrics` judges each incident by those valid at its detection.
rules_now as (

    select * from response_rules
    where valid_from is null or valid_from <= {{ as_of() }}
    qualify {{ is_newest_valid(['severity_level']) }}

),

severities_once as (

    select * from severities
    where true
    qualify row_number() over (partition by severity_level order by severity_rank) = 1

),

final as (

    select
        severities_once.severity_level,
        cast(severities_once.severity_rank as int64) as severity_rank,
        severities_once.severity_name,
        severities_once.title,
        severities_once.incident_commander_role,
        severities_once.communication,
        cast(rules_now.response_minutes as float64) as response_minutes,
        rules_now.response_basis,
        cast(rules_now.escalation_minutes as float64) as escalation_minutes,
        rules_now.escalation_basis,
        severities_once.review,
        {{ as_of() }} as as_of
    from severities_once
    left join rules_now on severities_once.severity_level = rules_now.severity_level

)

select * from final
