with

lines as (

    select * from {{ ref('int_usage_unioned') }}

),

-- Which other report of the day has the same usage. The day is part of every window so that a filter on it prunes.
lines_compared as (

    select
        *,
        logical_or(source = 'anthropic_usage') over (partition by usage_date) as has_usage_report,
        logical_or(source = 'anthropic_cost') over (partition by usage_date) as has_cost_report,
        logical_or(source != 'claude_code' and product = 'claude_code')
            over (partition by usage_date) as has_product_report,
        logical_or(source = 'cursor_events') over (partition by usage_date, vendor, user_name) as has_events
    from lines

),

lines_marked as (

    select
        *,
        source != 'claude_code' or not if(is_subscription, has_product_report, has_usage_report) as are_tokens_counted,
        source = 'claude_code' and not is_subscription and not has_cost_report as is_estimate_counted,
        source != 'cursor_daily' or (not has_events and requests > 0) as is_row_counted
    from lines_compared

),

final as (

    select
        line_key,
        usage_date,
        source,
        vendor,
        product,
        user_name,
        model,
        requests,
        estimated_cost_usd,
        loaded_at,
        if(are_tokens_counted, uncached_input_tokens, null) as uncached_input_tokens,
        if(are_tokens_counted, cache_creation_tokens, null) as cache_creation_tokens,
        if(are_tokens_counted, cache_read_tokens, null) as cache_read_tokens,
        if(are_tokens_counted, output_tokens, null) as output_tokens,
        if(is_estimate_counted, estimated_cost_usd, cost_usd) as cost_usd,
        is_estimate_counted and estimated_cost_usd is not null as is_cost_estimated,
        are_tokens_counted and is_token_count_unknown as is_token_count_unknown,
        is_request_count_unknown,
        is_cost_unknown
    from lines_marked
    where is_row_counted and (are_tokens_counted or is_estimate_counted)

)

select * from final
