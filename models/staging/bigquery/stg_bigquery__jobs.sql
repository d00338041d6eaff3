with

source as (

    select * from {{ source('bigquery', 'jobs') }}

),

final as (

    select
        job_id,
        creation_time as created_at,
        start_time as started_at,
        end_time as finished_at,
        job_type,
        statement_type,
        error_result.reason as error_reason,
        coalesce(cache_hit, false) as is_cached,
        total_bytes_processed as bytes_processed,
        total_bytes_billed as bytes_billed,
        total_slot_ms as slot_milliseconds,
        {{ job_label('command') }} as command,
        {{ job_label('run') }} as run,
        {{ job_label('step') }} as step,
        {{ job_label('model') }} as model
    from source
    where
        state = 'DONE'
        -- A script has the sums of its children.
        and coalesce(statement_type, '') != 'SCRIPT'
        and {{ job_label('app') }} = 'incident-ledger'

)

select * from final
