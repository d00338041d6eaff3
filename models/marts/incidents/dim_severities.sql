with

severities as (

    select * from {{ ref('severities') }}

),

response_rules as (

    select * from {{ ref('response_rules') }}

),

-- The rules valid at the as-of time; `operational_metrics` judges each incident by those valid at its detection.
valid_rules as (

    select * from response_rules
    where valid_from is null or valid_from <= {{ as_of() }}
    qualify {{ is_newest_valid(['severity_level']) }}

),

severities_deduplicated as (

    select * from severities
    where true
    qualify row_number() over (partition by severity_level order by severity_rank) = 1

),

final as (

    select
        severities_deduplicated.severity_level,
        cast(severities_deduplicated.severity_rank as int64) as severity_rank,
        severities_deduplicated.severity_name,
        severities_deduplicated.title,
        severities_deduplicated.incident_commander_role,
        severities_deduplicated.communication,
        cast(valid_rules.response_minutes as float64) as response_minutes,
        valid_rules.response_basis,
        cast(valid_rules.escalation_minutes as float64) as escalation_minutes,
        valid_rules.escalation_basis,
        severities_deduplicated.review,
        {{ as_of() }} as as_of
    from severities_deduplicated
    left join valid_rules on severities_deduplicated.severity_level = valid_rules.severity_level

)

select * from final
