-- Which rules of data quality fail most records, over the last 30 days?
with

rules as (

    select * from {{ ref('fct_quality_rules') }}
    where checked_at <= @as_of and checked_at > timestamp_sub(@as_of, interval 30 day)

),

final as (

    select
        table_name,
        rule_id,
        owner,
        count(*) as checks,
        countif(is_success is false) as failed_checks,
        countif(not is_checked) as checks_not_run,
        sum(failed_records) as failed_records,
        sum(examined_records) as examined_records,
        100 * safe_divide(sum(failed_records), sum(examined_records)) as failed_record_percent,
        min(severity_level) as worst_severity
    from rules
    group by table_name, rule_id, owner
    having countif(is_success is false) > 0 or countif(not is_checked) > 0

)

select * from final
order by failed_record_percent desc, table_name asc, rule_id asc, owner asc
