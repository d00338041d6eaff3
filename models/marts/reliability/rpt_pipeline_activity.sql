{{ config(materialized='view') }}

with

{% if env_var('INCIDENT_LEDGER_PIPELINE_LOGS', '') != '' -%}
    final as (

        select
            pipeline_run_id as activity_key,
            run_day as activity_day,
            'run' as activity_kind,
            pipeline as subject,
            outcome as state,
            ended_at as happened_at,
            duration_seconds,
            message
        from {{ ref('fct_pipeline_runs') }}
        union all
        select
            circuit_breaker_state_id as activity_key,
            state_day as activity_day,
            'circuit breaker' as activity_kind,
            circuit_breaker as subject,
            replace(breaker_state, '_', ' ') as state,
            changed_at as happened_at,
            cast(null as float64) as duration_seconds,
            message
        from {{ ref('fct_circuit_breaker_states') }}

    )
{%- else -%}
    -- Nobody watches.
    final as (

        select
            cast(null as string) as activity_key,
            cast(null as date) as activity_day,
            cast(null as string) as activity_kind,
            cast(null as string) as subject,
            cast(null as string) as state,
            cast(null as timestamp) as happened_at,
            cast(null as float64) as duration_seconds,
            cast(null as string) as message  -- noqa: RF04
        from unnest([1])
        where false

    )
{%- endif %}

select * from final
