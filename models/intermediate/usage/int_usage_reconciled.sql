with

lines as (

    select * from {{ ref('int_usage_unioned') }}

),

-- Which reports have usage of a day. No window goes over a whole day, whose rows one worker would have to hold.
reports as (

    select
        usage_date as report_date,
        logical_or(source = 'anthropic_usage') as has_usage_report,
        logical_or(source = 'anthropic_cost') as has_cost_report,
        logical_or(source != 'claude_code' and product = 'claude_code') as has_product_report
    from lines
    group by usage_date

),

-- The day is part of the window so that a filter on it prunes.
lines_with_events as (

    select
        *,
        logical_or(source = 'cursor_events') over (partition by usage_date, vendor, user_name) as has_events
    from lines

),

lines_compared as (

    select
        lines.*,
        reports.report_date,
        reports.has_usage_report,
        reports.has_cost_report,
        reports.has_product_report
    from lines_with_events as lines
    inner join reports on lines.usage_date = reports.report_date

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
        report_date,
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
