-- One row per table and day of the last 14: hours in which it was due and checked, and in which nobody looked.
with

table_days as (

    select * from {{ ref('rpt_data_quality_daily') }}
    where check_date > date_sub(date(@as_of), interval 14 day) and check_date <= date(@as_of)

),

final as (

    select
        check_date,
        table_name,
        hours_due,
        hours_checked,
        hours_not_checked,
        checks_errored,
        concat('=', component) as component_filter
    from table_days

)

select * from final
order by check_date, table_name
