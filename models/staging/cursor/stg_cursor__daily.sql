with

records as (

    select * from {{ ref('base_usage__records') }}

),

final as (

    select
        record_key as daily_key,
        usage_date,
        exported_at,
        loaded_at,
        file,
        line,
        cast(json_value(record, '$.composerRequests') as int64) as composer_requests,
        cast(json_value(record, '$.chatRequests') as int64) as chat_requests,
        cast(json_value(record, '$.agentRequests') as int64) as agent_requests,
        cast(json_value(record, '$.cmdkUsages') as int64) as command_k_uses,
        cast(json_value(record, '$.bugbotUsages') as int64) as bugbot_uses,
        cast(json_value(record, '$.subscriptionIncludedReqs') as int64) as included_requests,
        cast(json_value(record, '$.apiKeyReqs') as int64) as api_key_requests,
        cast(json_value(record, '$.usageBasedReqs') as int64) as usage_based_requests,
        cast(json_value(record, '$.totalLinesAdded') as int64) as lines_added,
        cast(json_value(record, '$.acceptedLinesAdded') as int64) as accepted_lines_added,
        json_value(record, '$.email') as user_email,
        safe_cast(json_value(record, '$.isActive') as bool) as is_active,
        json_value(record, '$.mostUsedModel') as most_used_model
    from records
    where source = 'cursor_daily'

)

select * from final
