-- One row per API, dashboard or warehouse that was probed in the last 24 hours.
with

probes as (

    select * from {{ ref('fct_api_health') }}
    where probed_at <= @as_of and probed_at > timestamp_sub(@as_of, interval 24 hour)

),

targets as (

    select
        target_id,
        count(*) as probes,
        100 * countif(is_healthy) / count(*) as healthy_percent,
        avg(healthy_latency_ms) as healthy_latency_ms,
        max(probed_at) as probed_at
    from probes
    group by target_id

),

final as (

    select
        -- Silence is not health: what was not probed for an hour is neither well nor failing.
        case
            when targets.probed_at <= timestamp_sub(@as_of, interval 1 hour) then 'not watched'
            when probes.is_healthy then 'ok'
            else 'failed'
        end as probe_state,
        probes.kind,
        targets.target_id,
        replace(probes.failure_kind, '_', ' ') as failure,
        probes.detail,
        targets.healthy_percent,
        targets.healthy_latency_ms,
        targets.probes,
        targets.probed_at
    from targets
    inner join probes
        on
            targets.target_id = probes.target_id
            and targets.probed_at = probes.probed_at

)

select * from final
order by probe_state asc, kind asc, target_id asc
