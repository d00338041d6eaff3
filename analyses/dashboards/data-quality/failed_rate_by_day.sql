-- One row per table and day of its data (the last 30): highest failed record rate of its rules, when last checked.
with

rules as (

    select * from {{ ref('fct_quality_rules') }}
    where
        batch_day > date_sub(date(@as_of), interval 30 day)
        and checked_at <= @as_of
        and checked_at > timestamp_sub(@as_of, interval 60 day)

),

last_results as (

    select *
    from rules
    where is_checked
    qualify
        row_number() over (
            partition by table_name, suite, rule_id, batch_day
            order by checked_at desc, quality_rule_id asc
        ) = 1

),

final as (

    select
        batch_day,
        table_name,
        max(failed_record_percent) as failed_percent,
        countif(is_success is false) as failed_rules,
        count(*) as rules,
        concat('=', component) as component_filter
    from last_results
    where failed_record_percent is not null
    group by batch_day, table_name, component_filter

)

select * from final
order by batch_day, table_name
