with

log_entries as (

    select * from {{ ref('stg_cloud_logging__pipeline_logs') }}

),

-- What was refused exposed nothing; a time in the future is of a clock that is wrong.
final as (

    select
        log_entry_id as secret_access_id,
        date(logged_at) as access_day,
        logged_at,
        logged_at as accessed_at,
        shard_day,
        'read_secret' as access_kind,
        coalesce(regexp_extract(secret_name, r'secrets/([^/]+)'), secret_name) as accessed,
        principal,
        cast(null as string) as caller_ip,
        operation_name as method_name,
        insert_id,
        'job_log' as seen_in
    from log_entries
    where
        lower(event_type) = 'secret_access'
        and secret_name is not null
        and coalesce(lower(status), '') not in ('denied', 'refused', 'failed', 'failure', 'error')
        and not coalesce(has_future_time, false)

)

select * from final
