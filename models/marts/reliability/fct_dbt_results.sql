{{ config(materialized='view') }}

with

dbt_results as (

    select * from {{ ref('stg_ledger__dbt_results') }}

),

final as (

    select
        dbt_result_id,
        invocation_id,
        unique_id,
        completed_at,
        project_name,
        node_name,
        resource_type,
        status,
        severity_level is not null as is_failure,
        component,
        severity_level,
        rule_id,
        owner,
        message,
        failures,
        failed_records,
        examined_records,
        safe_divide(failed_records, examined_records) as failed_record_rate,
        relation_name,
        duration_seconds,
        dbt_version,
        ingested_at
    from dbt_results

)

select * from final
