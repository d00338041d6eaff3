with

source as (

    select * from {{ source('incident_ledger_raw', 'run_steps') }}

),

final as (

    select
        -- The start as a number: engines write a time as text with more or fewer zeros.
        {{ surrogate_key(['run_id', 'step', 'position', 'unix_micros(started_at)']) }} as run_step_id,
        run_id,
        holder,
        command,
        as_of,
        step,
        position as step_position,
        started_at,
        finished_at,
        outcome,
        nullif(to_json_string(detail), 'null') as detail
    from source
    where true
    qualify row_number() over (partition by started_at, run_id, step, position order by finished_at desc) = 1

)

select * from final
