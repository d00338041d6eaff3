with

records as (

    select * from {{ ref('base_usage__records') }}

),

breakdowns as (

    select
        records.*,
        breakdown,
        place as result_position
    from records
    cross join unnest(json_query_array(record, '$.model_breakdown')) as breakdown with offset as place
    where source = 'claude_code'

),

final as (

    select
        {{ surrogate_key(['record_key', 'result_position']) }} as model_key,
        record_key,
        usage_date,
        json_value(record, '$.organization_id') as organization_id,
        json_value(record, '$.actor.type') as actor_type,
        json_value(record, '$.actor.email_address') as user_email,
        json_value(record, '$.actor.api_key_name') as api_key_name,
        json_value(record, '$.customer_type') as customer_type,
        json_value(record, '$.subscription_type') as subscription_type,
        json_value(record, '$.terminal_type') as terminal_type,
        safe_cast(json_value(record, '$.is_remote') as bool) as is_remote,
        cast(json_value(record, '$.core_metrics.num_sessions') as int64) as record_sessions,
        json_value(breakdown, '$.model') as model,
        cast(json_value(breakdown, '$.tokens.input') as int64) as uncached_input_tokens,
        cast(json_value(breakdown, '$.tokens.cache_creation') as int64) as cache_creation_tokens,
        cast(json_value(breakdown, '$.tokens.cache_read') as int64) as cache_read_tokens,
        cast(json_value(breakdown, '$.tokens.output') as int64) as output_tokens,
        {{ usd_from_cents("json_value(breakdown, '$.estimated_cost.amount')") }} as estimated_cost_usd,
        exported_at,
        loaded_at,
        file,
        line
    from breakdowns

)

select * from final
