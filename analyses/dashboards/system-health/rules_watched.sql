-- One row per rule of the policy: whether what it looks at arrives. What nobody looks at is never well.
with

rules as (

    select * from {{ ref('classification_rules') }}
    where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= @as_of
    qualify {{ is_newest_valid(['rule_id']) }}

),

sources as (

    select
        'probes' as source_name,
        max(probed_at) as arrived_at
    from {{ ref('fct_api_health') }}
    where probed_at <= @as_of and probed_at > timestamp_sub(@as_of, interval 7 day)
    union all
    select
        'usage reports' as source_name,
        max(last_loaded_at) as arrived_at
    from {{ ref('fct_usage_freshness') }}
    union all
    select
        'runs of pipelines' as source_name,
        max(observed_at) as arrived_at
    from {{ ref('fct_signals') }}
    where source = 'pipeline' and observed_at <= @as_of
    union all
    select
        'logs of jobs' as source_name,
        max(happened_at) as arrived_at
    from {{ ref('rpt_pipeline_activity') }}
    where happened_at <= @as_of and activity_day >= date_sub(date(@as_of), interval 7 day)
    union all
    select
        'logs' as source_name,
        max(observed_at) as arrived_at
    from {{ ref('fct_signals') }}
    where source = 'log_arrivals' and observed_at <= @as_of
    union all
    select
        'audit logs' as source_name,
        max(happened_at) as arrived_at
    from {{ ref('rpt_security_activity') }}
    where
        starts_with(activity_key, 'admin:')
        and happened_at <= @as_of
        and activity_day >= date_sub(date(@as_of), interval 7 day)
    union all
    select
        'inventory of keys' as source_name,
        max(inventory_at) as arrived_at
    from {{ ref('rpt_key_rotation') }}
    where inventory_at <= @as_of
    union all
    select
        'results of dbt' as source_name,
        max(completed_at) as arrived_at
    from {{ ref('fct_dbt_results') }}
    where completed_at <= @as_of and completed_at > timestamp_sub(@as_of, interval 7 day)
    union all
    select
        'data-quality checks' as source_name,
        max(last_checked_at) as arrived_at
    from {{ ref('rpt_data_quality_by_data_day') }}
    where last_checked_at <= @as_of and last_checked_at > timestamp_sub(@as_of, interval 7 day)

),

rules_fed as (

    select
        rules.*,
        case rules.detector
            when 'pipeline' then 'runs of pipelines'
            when 'performance' then 'logs of jobs'
            when 'audit_log' then 'audit logs'
            when 'log_arrivals' then 'logs'
            when 'key_inventory' then 'inventory of keys'
            when 'usage_volume' then 'usage reports'
            when 'rejected_rows' then 'usage reports'
            when 'financial_data' then 'usage reports'
            when 'dbt' then 'results of dbt'
            when 'quality' then 'data-quality checks'
            when 'monitoring' then if(rules.rule_id = 'probes_missing', 'probes', 'data-quality checks')
            else 'probes'
        end as source_name
    from rules

),

final as (

    select
        case
            when sources.arrived_at is null then 'not watched'
            when sources.arrived_at <= timestamp_sub(@as_of, interval 7 day) then 'not watched'
            when rules_fed.source_name = 'probes' and sources.arrived_at <= timestamp_sub(@as_of, interval 1 hour)
                then 'not watched'
            else 'watched'
        end as watch_state,
        rules_fed.severity_level,
        rules_fed.characteristic,
        rules_fed.source_name,
        sources.arrived_at,
        rules_fed.rule_id
    from rules_fed
    left join sources on rules_fed.source_name = sources.source_name

)

select * from final
order by watch_state asc, severity_level asc, rule_id asc
