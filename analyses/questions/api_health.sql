-- How often did each probed API, dashboard and warehouse answer in the last 7 days, and how fast?
with

probes as (

    select * from {{ ref('fct_api_health') }}
    where probed_at <= @as_of and probed_at > timestamp_sub(@as_of, interval 7 day)

),

probes_timed as (

    select
        *,
        percentile_cont(healthy_latency_ms, 0.5) over (partition by target_id) as median_latency_ms,
        percentile_cont(healthy_latency_ms, 0.9) over (partition by target_id) as p90_latency_ms
    from probes

),

final as (

    select
        target_id,
        kind,
        count(*) as probes,
        countif(is_healthy) as healthy_probes,
        100 * countif(is_healthy) / count(*) as healthy_percent,
        max(median_latency_ms) as median_latency_ms,
        max(p90_latency_ms) as p90_latency_ms,
        max(if(is_healthy, null, probed_at)) as last_failed_at,
        min(failure_kind) as a_failure_kind
    from probes_timed
    group by target_id, kind

)

select * from final
order by healthy_percent asc, target_id asc
