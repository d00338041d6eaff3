-- In how many hours of the last 30 days was a table due for a check, and nobody looked?
with

table_days as (

    select * from {{ ref('rpt_data_quality_daily') }}
    where check_date > date_sub(date(@as_of), interval 30 day) and check_date <= date(@as_of)

),

final as (

    select
        table_name,
        sum(hours_due) as hours_due,
        sum(hours_checked) as hours_checked,
        sum(hours_not_checked) as hours_not_checked,
        sum(checks_errored) as checks_not_run,
        100 * safe_divide(sum(hours_not_checked), sum(hours_due)) as not_checked_percent
    from table_days
    group by table_name

)

select * from final
order by hours_not_checked desc, table_name asc
