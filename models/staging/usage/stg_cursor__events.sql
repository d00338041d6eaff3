with

records as (

    select * from {{ ref('stg_usage__records') }}

),

final as (

    select
        record_key as event_key,
        usage_date,
        timestamp_millis(cast(json_value(record, '$.timestamp') as int64)) as event_at,
        json_value(record, '$.userEmail') as user_email,
        json_value(record, '$.model') as model,
        json_value(record, '$.kind') as kind,
        json_value(record, '$.maxMode') = 'true' as is_max_mode,
        json_value(record, '$.isTokenBasedCall') = 'true' as is_token_based,
        cast(json_value(record, '$.requestsCosts') as numeric) as request_units,
        cast(json_value(record, '$.tokenUsage.inputTokens') as int64) as uncached_input_tokens,
        cast(json_value(record, '$.tokenUsage.cacheWriteTokens') as int64) as cache_creation_tokens,
        cast(json_value(record, '$.tokenUsage.cacheReadTokens') as int64) as cache_read_tokens,
        cast(json_value(record, '$.tokenUsage.outputTokens') as int64) as output_tokens,
        {{ usd_from_cents("json_value(record, '$.tokenUsage.totalCents')") }} as token_cost_usd,
        {{ usd_from_cents("json_value(record, '$.cursorTokenFee')") }} as cursor_fee_usd,
        -- Either part may be missing; without both the cost is unknown.
        case
            when
                json_value(record, '$.tokenUsage.totalCents') is not null
                or json_value(record, '$.cursorTokenFee') is not null
                then
                    coalesce({{ usd_from_cents("json_value(record, '$.tokenUsage.totalCents')") }}, 0)
                    + coalesce({{ usd_from_cents("json_value(record, '$.cursorTokenFee')") }}, 0)
        end as cost_usd,
        exported_at,
        loaded_at,
        file,
        line
    from records
    where source = 'cursor_events'

)

select * from final
