with

source as (

    select * from {{ source('incident_ledger_raw', 'quality_results') }}

),

-- Two runs that write at once may both insert. `checked_at` is part of the key so that a filter on it still prunes.
final as (

    select
        result_id,
        run_id,
        checked_at,
        table_name,
        component,
        suite,
        rule_id,
        day as batch_day,
        column_name,
        expectation_type,
        dimension,
        owner,
        gx_severity,
        is_table_rule,
        success as is_success,
        examined,
        failed,
        failed_record_rate,
        severity_level,
        threshold,
        error,
        nullif(to_json_string(evidence), 'null') as evidence
    from source
    where true
    qualify row_number() over (partition by checked_at, result_id order by run_id) = 1

)

select * from final
