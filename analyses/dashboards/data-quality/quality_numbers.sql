-- One row: tables that are in breach now, checks of the last 24 hours, and hours in which nothing was checked.
with

data_days as (

    select * from {{ ref('rpt_data_quality_by_data_day') }}

),

checks as (

    select * from {{ ref('fct_data_quality') }}
    where checked_at <= @as_of and checked_at > timestamp_sub(@as_of, interval 7 day)

),

table_days as (

    select * from {{ ref('rpt_data_quality_daily') }}
    where check_date > date_sub(date(@as_of), interval 7 day) and check_date <= date(@as_of)

),

bad_days as (

    select
        count(distinct table_name) as tables,
        count(distinct if(is_bad, table_name, null)) as tables_in_breach,
        countif(is_bad) as bad_data_days
    from data_days

),

checked as (

    select
        countif(is_checked) as checks_run,
        countif(not is_checked) as checks_errored
    from checks

),

hours as (

    select sum(hours_not_checked) as hours_not_checked
    from table_days

),

final as (

    select
        bad_days.tables,
        bad_days.tables_in_breach,
        bad_days.bad_data_days,
        checked.checks_run,
        checked.checks_errored,
        hours.hours_not_checked
    from bad_days
    cross join checked
    cross join hours

)

select * from final
