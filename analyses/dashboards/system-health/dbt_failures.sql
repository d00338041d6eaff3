-- One row per node of a dbt project that failed or warned when it was last looked at, in the last 7 days.
with

dbt_results as (

    select * from {{ ref('fct_dbt_results') }}
    where completed_at <= @as_of and completed_at > timestamp_sub(@as_of, interval 7 day)

),

-- What was skipped was not looked at.
latest_results as (

    select * from dbt_results
    where status != 'skipped'
    qualify row_number() over (partition by project_name, unique_id order by completed_at desc, dbt_result_id asc) = 1

),

final as (

    select
        severity_level,
        project_name,
        resource_type,
        node_name,
        status,
        failed_record_rate * 100 as failed_percent,
        message,
        owner,
        completed_at,
        dbt_result_id,
        count(*) over () as total_rows
    from latest_results
    where is_failure
    qualify row_number() over (order by severity_level asc, completed_at desc, dbt_result_id asc) <= 200

)

select * from final
order by severity_level asc, completed_at desc, dbt_result_id asc
