with

admin_activity as (

    select * from {{ ref('fct_admin_activity') }}

),

final as (

    select
        admin_activity_id as secret_access_id,
        activity_day as access_day,
        occurred_at as accessed_at,
        if(ends_with(lower(method_name), '.accesssecretversion'), 'read_secret', 'create_key') as access_kind,
        coalesce(regexp_extract(resource_name, r'/secrets/([^/]+)'), resource_name) as accessed,
        principal,
        caller_ip,
        method_name,
        insert_id,
        'audit_log' as seen_in
    from admin_activity
    where
        is_success
        and regexp_contains(
            lower(method_name),
            r'\.(accesssecretversion|createserviceaccount|createserviceaccountkey)$|apikeys\.createkey$'
        )

)

select * from final
