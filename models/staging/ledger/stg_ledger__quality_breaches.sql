with

source as (

    select * from {{ source('incident_ledger_raw', 'quality_breaches') }}

),

-- Two runs that write at once may both insert. `checked_at` is part of the key so that a filter on it still prunes.
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
    qualify row_number() over (partition by checked_at, batch_id order by suite) = 1

)

select * from final
