with

results as (

    select
        *,
        cast(json_value(result, '$.cache_creation.ephemeral_1h_input_tokens') as int64) as cache_1h_tokens,
        cast(json_value(result, '$.cache_creation.ephemeral_5m_input_tokens') as int64) as cache_5m_tokens
    from {{ ref('base_anthropic__results') }}
    where source = 'anthropic_usage'

),

final as (

    select
        result_key,
        usage_date,
        starting_at,
        ending_at,
        organization_id,
        product,
        json_value(result, '$.account_id') as account_id,
        json_value(result, '$.service_account_id') as service_account_id,
        json_value(result, '$.api_key_id') as api_key_id,
        workspace_id,
        model,
        service_tier,
        context_window,
        inference_geo,
        speed,
        cast(json_value(result, '$.uncached_input_tokens') as int64) as uncached_input_tokens,
        -- Two counts by lifetime, or their plain sum. Missing is unknown, not 0.
        coalesce(
            cache_1h_tokens + cache_5m_tokens,
            cache_1h_tokens,
            cache_5m_tokens,
            cast(json_value(result, '$.cache_creation') as int64)
        ) as cache_creation_tokens,
        (cache_1h_tokens is null) != (cache_5m_tokens is null) as is_cache_creation_partial,
        cast(json_value(result, '$.cache_read_input_tokens') as int64) as cache_read_tokens,
        cast(json_value(result, '$.output_tokens') as int64) as output_tokens,
        cast(json_value(result, '$.server_tool_use.web_search_requests') as int64) as web_search_requests,
        requests,
        exported_at,
        loaded_at,
        file,
        line
    from results

)

select * from final
