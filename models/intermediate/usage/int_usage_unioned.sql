with

anthropic_usage as (

    select * from {{ ref('stg_anthropic__usage') }}

),

anthropic_costs as (

    select * from {{ ref('stg_anthropic__costs') }}

),

claude_code as (

    select * from {{ ref('stg_anthropic__claude_code') }}

),

cursor_usage as (

    select * from {{ ref('int_cursor_usage_unioned') }}

),

final as (

    select
        concat('anthropic_usage:', result_key) as line_key,
        usage_date,
        'anthropic_usage' as source,
        'anthropic' as vendor,
        coalesce(product, 'api') as product,
        coalesce(account_id, service_account_id, api_key_id) as user_name,
        model,
        uncached_input_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        output_tokens,
        requests,
        cast(null as numeric) as cost_usd,
        cast(null as numeric) as estimated_cost_usd,
        false as is_subscription,
        coalesce(is_cache_creation_partial, false)
        or uncached_input_tokens + cache_creation_tokens + cache_read_tokens + output_tokens is null
            as is_token_count_unknown,
        requests is null as is_request_count_unknown,
        false as is_cost_unknown,
        loaded_at
    from anthropic_usage
    union all
    select
        concat('anthropic_cost:', result_key) as line_key,
        usage_date,
        'anthropic_cost' as source,
        'anthropic' as vendor,
        coalesce(product, 'api') as product,
        cast(null as string) as user_name,
        model,
        cast(null as int64) as uncached_input_tokens,
        cast(null as int64) as cache_creation_tokens,
        cast(null as int64) as cache_read_tokens,
        cast(null as int64) as output_tokens,
        cast(null as int64) as requests,
        cost_usd,
        cast(null as numeric) as estimated_cost_usd,
        false as is_subscription,
        false as is_token_count_unknown,
        false as is_request_count_unknown,
        cost_usd is null as is_cost_unknown,
        loaded_at
    from anthropic_costs
    union all
    select
        concat('claude_code:', model_key) as line_key,
        usage_date,
        'claude_code' as source,
        'anthropic' as vendor,
        'claude_code' as product,
        coalesce(user_email, api_key_name) as user_name,
        model,
        uncached_input_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        output_tokens,
        cast(null as int64) as requests,
        cast(null as numeric) as cost_usd,
        estimated_cost_usd,
        coalesce(customer_type = 'subscription', false) as is_subscription,
        uncached_input_tokens + cache_creation_tokens + cache_read_tokens + output_tokens is null
            as is_token_count_unknown,
        false as is_request_count_unknown,
        estimated_cost_usd is null as is_cost_unknown,
        loaded_at
    from claude_code
    union all
    select
        line_key,
        usage_date,
        source,
        vendor,
        product,
        user_name,
        model,
        uncached_input_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        output_tokens,
        requests,
        cost_usd,
        estimated_cost_usd,
        is_subscription,
        is_token_count_unknown,
        is_request_count_unknown,
        is_cost_unknown,
        loaded_at
    from cursor_usage

)

select * from final
