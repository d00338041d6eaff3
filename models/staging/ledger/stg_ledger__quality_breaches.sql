with

source as (

    select * from {{ source('incident_ledger_raw', 'quality_breaches') }}

),

-- Two runs that write at once may both insert.
final as (

    select
        batch_id,
        checked_at,
        table_name,
        component,
        suite,
        day as batch_day,
        rules_total,
        rules_errored,
        severity_level,
        worst_rule_id,
        error,
        check_component,
        check_severity_level,
        title,
        value,
        threshold,
        nullif(to_json_string(evidence), 'null') as evidence
    from source
    where true
    qualify row_number() over (partition by batch_id order by checked_at) = 1

)

select * from final
