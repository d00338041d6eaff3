with

source as (

    select * from {{ source('incident_ledger_raw', 'dbt_results') }}

),

-- Two commands that write at once may both insert. `completed_at` is part of the key so that a filter prunes.
final as (

    select
        {{ surrogate_key(['invocation_id', 'unique_id']) }} as dbt_result_id,
        invocation_id,
        unique_id,
        completed_at,
        project_name,
        node_name,
        resource_type,
        status,
        component,
        severity_level,
        rule_id,
        owner,
        message,
        failures,
        failed_records,
        examined_records,
        relation_name,
        duration_seconds,
        dbt_version,
        ingested_at
    from source
    where true
    qualify row_number() over (partition by completed_at, invocation_id, unique_id order by ingested_at) = 1

)

select * from final
