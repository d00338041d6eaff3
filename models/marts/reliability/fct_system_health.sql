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

)

select * from final
