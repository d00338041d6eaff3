{{ config(materialized='view') }}

with

probe_results as (

    select * from {{ ref('stg_ledger__probe_results') }}

),

final as (

    select
        probe_result_id,
        target_id,
        probed_at,
        kind,
        component,
        failure_kind is null as is_healthy,
        failure_kind is not null and failure_kind not in ('authentication', 'throttled') as is_unreachable,
        failure_kind,
        status_code,
        latency_ms,
        if(failure_kind is null, latency_ms, null) as healthy_latency_ms,
        attempts,
        detail
    from probe_results

)

select * from final
