with

cursor_events as (

    select * from {{ ref('stg_cursor__events') }}

),

cursor_daily as (

    select * from {{ ref('stg_cursor__daily') }}

),

final as (

    select
        concat('cursor_events:', event_key) as line_key,
        usage_date,
        'cursor_events' as source,
        'cursor' as vendor,
        'cursor' as product,
        user_email as user_name,
        model,
        uncached_input_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        output_tokens,
        1 as requests,
        cost_usd,
        cast(null as numeric) as estimated_cost_usd,
        false as is_subscription,
        -- A kind of cache that an event did not use is left out of it; a call that is billed by request has no counts.
        coalesce(is_token_based, true) and (uncached_input_tokens is null or output_tokens is null)
            as is_token_count_unknown,
        false as is_request_count_unknown,
        is_cost_unknown,
        loaded_at
    from cursor_events
    union all
    select
        concat('cursor_daily:', daily_key) as line_key,
        usage_date,
        'cursor_daily' as source,
        'cursor' as vendor,
        'cursor' as product,
        user_email as user_name,
        cast(null as string) as model,
        cast(null as int64) as uncached_input_tokens,
        cast(null as int64) as cache_creation_tokens,
        cast(null as int64) as cache_read_tokens,
        cast(null as int64) as output_tokens,
        coalesce(composer_requests, 0) + coalesce(chat_requests, 0) + coalesce(agent_requests, 0)
        + coalesce(command_k_uses, 0) + coalesce(bugbot_uses, 0) as requests,
        cast(null as numeric) as cost_usd,
        cast(null as numeric) as estimated_cost_usd,
        false as is_subscription,
        false as is_token_count_unknown,
        composer_requests + chat_requests + agent_requests + command_k_uses + bugbot_uses is null
            as is_request_count_unknown,
        false as is_cost_unknown,
        loaded_at
    from cursor_daily

)

select * from final
