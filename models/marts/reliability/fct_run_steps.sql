{{ config(materialized='view') }}

with

run_steps as (

    select * from {{ ref('stg_ledger__run_steps') }}

),

final as (

    select
        run_step_id,
        run_id,
        holder,
        command,
        as_of,
        step,
        step_position,
        started_at,
        finished_at,
        timestamp_diff(finished_at, started_at, microsecond) / 1000000 as duration_seconds,
        outcome,
        detail
    from run_steps

)

select * from final
