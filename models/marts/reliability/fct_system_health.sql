{{ config(materialized='view') }}

with

probes as (

    select * from {{ ref('fct_api_health') }}

),

checks as (

    select * from {{ ref('fct_data_quality') }}

),

pipeline_activity as (

    select * from {{ ref('rpt_pipeline_activity') }}

),

dbt_results as (

    select * from {{ ref('fct_dbt_results') }}

),

usage_reports as (

    select * from {{ ref('fct_usage_freshness') }}

),

incidents as (

    select * from {{ ref('incident_state') }}
    where {{ is_counted() }} and component is not null

),

severities as (

    select
        severity_level,
        cast(div(100 * severity_rank, count(*) over ()) as int64) as rank_score
    from {{ ref('dim_severities') }}

),

-- A time is the column of the partitions itself, and no part of it: a filter on it prunes.
final as (

    select
        concat('api:', probe_result_id) as health_key,
        'api' as part,
        component,
        probed_at as measured_at,
        date(probed_at) as measured_on,
        if(is_healthy, 100, 0) as score
    from probes
    union all
    -- A check that could not run says nothing of the table.
    select
        concat('quality:', data_quality_id) as health_key,
        'quality' as part,
        component,
        checked_at as measured_at,
        date(checked_at) as measured_on,
        if(is_breach, 0, 100) as score
    from checks
    where is_checked
    union all
    select
        concat('pipeline:', activity_key) as health_key,
        if(activity_kind = 'run', 'pipeline', 'breaker') as part,
        concat(if(activity_kind = 'run', 'pipeline:', 'breaker:'), subject) as component,
        happened_at as measured_at,
        activity_day as measured_on,
        case
            when state in ('succeeded', 'closed') then 100
            when state = 'half open' then 50
            else 0
        end as score
    from pipeline_activity
    where state in ('succeeded', 'failed', 'open', 'half open', 'closed')
    union all
    select
        concat('freshness:', dbt_result_id) as health_key,
        'freshness' as part,
        component,
        completed_at as measured_at,
        date(completed_at) as measured_on,
        case status when 'pass' then 100 when 'warn' then 50 else 0 end as score
    from dbt_results
    where resource_type = 'source' and status in ('pass', 'warn', 'error')
    union all
    -- Of a report of usage what the last build saw.
    select
        concat('freshness:', source) as health_key,
        'freshness' as part,
        concat('usage:', vendor) as component,
        as_of as measured_at,
        date(as_of) as measured_on,
        if(is_late, 0, 100) as score
    from usage_reports
    union all
    select
        concat('incident:', incidents.incident_id) as health_key,
        'incident' as part,
        incidents.component,
        incidents.detection_time as measured_at,
        date(incidents.detection_time) as measured_on,
        severities.rank_score as score
    from incidents
    inner join severities on incidents.severity_level = severities.severity_level
    union all
    select
        concat('resolution:', incident_id) as health_key,
        'incident' as part,
        component,
        resolution_time as measured_at,
        date(resolution_time) as measured_on,
        100 as score
    from incidents
    where resolution_time is not null

)

select * from final
