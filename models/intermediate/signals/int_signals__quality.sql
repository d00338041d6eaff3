with

breaches as (

    select * from {{ ref('int_quality_breaches_grouped') }}

),

final as (

    select
        component as source_key,
        batch_key,
        rule_id,
        component,
        severity_level,
        title,
        started_at,
        ended_at,
        value,
        threshold,
        evidence,
        'quality' as source,
        coalesce(ended_at, last_bad_at) as observed_at,
        json_value(evidence, '$.owner') as owner
    from breaches

)

select * from final
