{{ config(materialized='view') }}

with

checks as (

    {{ ranked_checks() }}

),

-- Of each suite the last conclusive check: it raised a severity, or all is well. Of two at one time the bad one.
last_conclusive_checks as (

    select *
    from checks
    where is_breach or (rules_errored = 0 and error is null)
    qualify
        row_number() over (
            partition by table_name, batch_day, suite
            order by checked_at desc, if(is_breach, 0, 1) asc, data_quality_id asc
        ) = 1

),

states as (

    select
        table_name,
        batch_day,
        logical_or(is_breach) as is_bad,
        {{ worst_severity('severity_level') }} as severity_level,
        sum(rules_ran) as rules_run,
        sum(rules_failed) as rules_failed,
        any_value(worst_rule_id having min severity_rank) as worst_rule_id
    from last_conclusive_checks
    group by table_name, batch_day

),

histories as (

    select
        table_name,
        batch_day,
        min(component) as component,
        count(*) as checks,
        countif(is_checked) as checks_run,
        countif(is_checked and is_breach) as checks_failed,
        countif(not is_checked) as checks_errored,
        min(checked_at) as first_checked_at,
        max(checked_at) as last_checked_at,
        max(if(is_breach, checked_at, null)) as last_failed_at,
        {{ worst_severity('severity_level') }} as worst_severity_level
    from checks
    group by table_name, batch_day

),

final as (

    select
        {{ surrogate_key(['histories.table_name', 'histories.batch_day']) }} as data_day_id,
        histories.batch_day as data_date,
        histories.table_name,
        histories.component,
        states.is_bad,
        states.severity_level,
        states.worst_rule_id,
        states.rules_run,
        states.rules_failed,
        states.rules_failed / nullif(states.rules_run, 0) as failed_validation_rate,
        histories.worst_severity_level,
        histories.checks,
        histories.checks_run,
        histories.checks_failed,
        histories.checks_errored,
        histories.first_checked_at,
        histories.last_checked_at,
        histories.last_failed_at
    from histories
    left join states
        on
            histories.table_name = states.table_name
            and (histories.batch_day = states.batch_day or (histories.batch_day is null and states.batch_day is null))

)

select * from final
