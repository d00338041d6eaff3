with

batches as (

    select * from {{ ref('stg_ledger__quality_breaches') }}

),

severities as (

    select
        severity_level,
        severity_rank
    from {{ ref('severities') }}

),

-- A batch with a rule that could not be evaluated does not make its table clean: the table stays as it was.
tables_observed as (

    select
        component,
        concat(suite, ' ', coalesce(cast(batch_day as string), 'whole')) as batch_key,
        checked_at,
        severity_level is not null as is_bad,
        severity_level,
        worst_rule_id as rule_id,
        title,
        value,
        threshold,
        evidence
    from batches
    where severity_level is not null or (rules_errored = 0 and error is null)

),

-- A file that is not a suite has no table; once it is fixed its check has another name, and must end the old one too.
failed_checks as (

    select distinct
        suite,
        check_component
    from batches
    where check_severity_level is not null

),

checks_observed as (

    select
        failed_checks.check_component as component,
        batches.suite as batch_key,
        batches.checked_at,
        logical_or(
            batches.check_severity_level is not null and batches.check_component = failed_checks.check_component
        ) as is_bad,
        {{ worst_severity("batches.check_severity_level") }} as severity_level,
        'monitoring_system_failure' as rule_id,
        any_value(
            coalesce(
                concat(batches.title, ': ', batches.error),
                concat(
                    'The check of ', batches.table_name, ' could not evaluate ',
                    cast(batches.rules_errored as string), ' of ', cast(batches.rules_total as string), ' rules'
                )
            ) having max batches.rules_errored
        ) as title,
        cast(null as float64) as value,  -- noqa: RF04
        cast(null as string) as threshold,
        any_value(batches.evidence having max batches.rules_errored) as evidence
    from failed_checks
    inner join batches on failed_checks.suite = batches.suite
    left join severities on batches.check_severity_level = severities.severity_level
    group by failed_checks.check_component, batches.suite, batches.checked_at

),

final as (

    select * from tables_observed
    union all
    select * from checks_observed

)

select * from final
