-- One row per rule that failed or could not be evaluated at the newest check of its table, the worst first.
with

rules as (

    select * from {{ ref('fct_quality_rules') }}
    where checked_at <= @as_of and checked_at > timestamp_sub(@as_of, interval 7 day)

),

last_results as (

    select *
    from rules
    where true
    qualify
        row_number() over (
            partition by table_name, suite, rule_id
            order by batch_day desc, checked_at desc, quality_rule_id asc
        ) = 1

),

severities as (

    select * from {{ ref('dim_severities') }}

),

final as (

    select
        last_results.severity_level,
        last_results.table_name,
        last_results.rule_id,
        last_results.column_name,
        last_results.batch_day,
        last_results.failed_records,
        last_results.examined_records,
        last_results.failed_record_percent,
        last_results.threshold,
        last_results.checked_at,
        concat('=', last_results.component) as component_filter,
        count(*) over () as total_rows
    from last_results
    left join severities on last_results.severity_level = severities.severity_level
    where last_results.is_success is false or last_results.error is not null
    qualify
        row_number() over (
            order by
                coalesce(severities.severity_rank, 99),
                coalesce(last_results.failed_record_percent, 0) desc,
                last_results.quality_rule_id
        ) <= 200

)

select * from final
order by coalesce(severity_level, 'P9'), failed_record_percent desc, table_name asc, rule_id asc
