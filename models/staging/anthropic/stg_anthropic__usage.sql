with

records as (

    select * from {{ ref('base_usage__records') }}

),

buckets as (

    select
        *,
        json_value(record, '$.organization_id') as organization_id,
        timestamp(json_value(record, '$.starting_at')) as starting_at,
        timestamp(json_value(record, '$.ending_at')) as ending_at,
        timestamp_diff(
            timestamp(json_value(record, '$.ending_at')), timestamp(json_value(record, '$.starting_at')), second
        ) as width_seconds
    from records
    where source = 'anthropic_usage'

),

-- A day exported by the hour and by the day holds the same tokens twice: the width of the newest export counts.
of_one_width as (

    select *
    from buckets
    where true
    qualify
        width_seconds = first_value(width_seconds) over (
            partition by usage_date, organization_id
            order by exported_at desc, loaded_at desc, width_seconds desc
        )

),

results as (

    select
        of_one_width.* except (record),
        result,
        place as result_position,
        cast(json_value(result, '$.cache_creation.ephemeral_1h_input_tokens') as int64) as cache_1h_tokens,
        cast(json_value(result, '$.cache_creation.ephemeral_5m_input_tokens') as int64) as cache_5m_tokens
    from of_one_width
    cross join unnest(json_query_array(record, '$.results')) as result with offset as place

),

final as (

    select
        {{ surrogate_key(['record_key', 'result_position']) }} as result_key,
        usage_date,
        starting_at,
        ending_at,
        organization_id,
        json_value(result, '$.product') as product,
        json_value(result, '$.account_id') as account_id,
        json_value(result, '$.service_account_id') as service_account_id,
        json_value(result, '$.api_key_id') as api_key_id,
        json_value(result, '$.workspace_id') as workspace_id,
        json_value(result, '$.model') as model,
        json_value(result, '$.service_tier') as service_tier,
        json_value(result, '$.context_window') as context_window,
        json_value(result, '$.inference_geo') as inference_geo,
        json_value(result, '$.speed') as speed,
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
        cast(json_value(result, '$.requests') as int64) as requests,
        exported_at,
        loaded_at,
        file,
        line
    from results

)

select * from final
