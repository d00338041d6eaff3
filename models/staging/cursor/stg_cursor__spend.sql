with

records as (

    select * from {{ ref('base_usage__records') }}

),

final as (

    select
        record_key as member_key,
        usage_date as cycle_start_date,
        json_value(record, '$.email') as user_email,
        json_value(record, '$.name') as member_name,
        json_value(record, '$.role') as member_role,
        {{ usd_from_cents("json_value(record, '$.spendCents')") }} as spend_usd,
        cast(json_value(record, '$.fastPremiumRequests') as int64) as fast_premium_requests,
        cast(json_value(record, '$.hardLimitOverrideDollars') as numeric) as hard_limit_usd,
        exported_at,
        loaded_at,
        file,
        line
    from records
    where source = 'cursor_spend'

)

select * from final
