{#- A view, since checks only grow; its one clock is a row of `int_build_time`. -#}
{{ config(materialized='view') }}

with

checks as (

    {{ ranked_checks() }}

),

build_time as (

    select * from {{ ref('int_build_time') }}

),

first_checks as (

    select
        table_name,
        min(component) as component,
        min(checked_at) as first_checked_at
    from checks
    group by table_name

),

-- Every day from a table's first check to the as-of time of the build: a day without a check is a row, not a gap.
table_days as (

    select
        first_checks.table_name,
        first_checks.component,
        first_checks.first_checked_at,
        build_time.as_of,
        check_date
    from first_checks
    cross join build_time
    cross join unnest(generate_date_array(date(first_checks.first_checked_at), date(build_time.as_of))) as check_date

),

-- Hours of the day (UTC) that lie between the first check ever and that time, begun ones included.
days_with_hours as (

    select
        *,
        timestamp_diff(
            least(timestamp_add(timestamp(check_date), interval 1439 minute), as_of),
            timestamp(check_date),
            hour
        )
        - timestamp_diff(greatest(first_checked_at, timestamp(check_date)), timestamp(check_date), hour)
        + 1 as hours_due
    from table_days

),

check_days as (

    select
        table_name,
        check_date,
        count(*) as checks,
        countif(is_checked) as checks_run,
        countif(is_checked and is_breach) as checks_failed,
        countif(not is_checked) as checks_errored,
        sum(rules_ran) as rules_run,
        sum(rules_failed) as rules_failed,
        count(distinct if(is_checked, extract(hour from checked_at), null)) as hours_checked,
        count(distinct batch_day) as data_days_checked,
        count(distinct if(is_breach, batch_day, null)) as data_days_failed,
        {{ worst_severity('severity_level') }} as worst_severity_level
    from checks
    cross join build_time
    where checks.checked_at <= build_time.as_of
    group by table_name, check_date

),

final as (

    select
        {{ surrogate_key(['days_with_hours.table_name', 'days_with_hours.check_date']) }} as table_day_id,
        days_with_hours.check_date,
        days_with_hours.table_name,
        days_with_hours.component,
        coalesce(check_days.checks, 0) as checks,
        coalesce(check_days.checks_run, 0) as checks_run,
        coalesce(check_days.checks_failed, 0) as checks_failed,
        coalesce(check_days.checks_errored, 0) as checks_errored,
        check_days.checks_failed / nullif(check_days.checks_run, 0) as failure_rate,
        check_days.rules_failed / nullif(check_days.rules_run, 0) as failed_validation_rate,
        days_with_hours.hours_due,
        coalesce(check_days.hours_checked, 0) as hours_checked,
        days_with_hours.hours_due - coalesce(check_days.hours_checked, 0) as hours_not_checked,
        coalesce(check_days.data_days_checked, 0) as data_days_checked,
        coalesce(check_days.data_days_failed, 0) as data_days_failed,
        check_days.worst_severity_level,
        days_with_hours.as_of
    from days_with_hours
    left join check_days
        on
            days_with_hours.table_name = check_days.table_name
            and days_with_hours.check_date = check_days.check_date

)

select * from final
