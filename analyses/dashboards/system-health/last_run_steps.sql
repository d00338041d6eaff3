-- One row per step of the last three runs, the newest first.
with

steps as (

    select * from {{ ref('fct_run_steps') }}
    -- A run starts at its as-of time or after it: the day of the start is what the table is partitioned by.
    where
        command = 'run'
        and as_of <= @as_of
        and as_of > timestamp_sub(@as_of, interval 30 day)
        and started_at > timestamp_sub(@as_of, interval 30 day)

),

ranked as (

    select
        *,
        dense_rank() over (order by as_of desc, run_id asc, holder asc) as run_rank
    from steps

),

final as (

    select
        as_of as run_time,
        step_position,
        step,
        outcome,
        duration_seconds,
        json_value(detail, '$.summary') as summary
    from ranked
    where run_rank <= 3

)

select * from final
order by run_time desc, step_position asc
