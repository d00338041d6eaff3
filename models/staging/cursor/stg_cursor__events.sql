with

records as (

    select * from {{ ref('base_usage__records') }}

),

events as (

    select
        record_key as event_key,
        usage_date,
        timestamp_millis(cast(json_value(record, '$.timestamp') as int64)) as event_at,
        json_value(record, '$.userEmail') as user_email,
        json_value(record, '$.model') as model,
        json_value(record, '$.kind') as kind,
        safe_cast(json_value(record, '$.maxMode') as bool) as is_max_mode,
        safe_cast(json_value(record, '$.isTokenBasedCall') as bool) as is_token_based,
        safe_cast(json_value(record, '$.isChargeable') as bool) as is_chargeable,
        cast(json_value(record, '$.requestsCosts') as numeric) as request_units,
        cast(json_value(record, '$.tokenUsage.inputTokens') as int64) as uncached_input_tokens,
        cast(json_value(record, '$.tokenUsage.cacheWriteTokens') as int64) as cache_creation_tokens,
        cast(json_value(record, '$.tokenUsage.cacheReadTokens') as int64) as cache_read_tokens,
        cast(json_value(record, '$.tokenUsage.outputTokens') as int64) as output_tokens,
        {{ usd_from_cents("json_value(record, '$.tokenUsage.totalCents')") }} as token_cost_usd,
        {{ usd_from_cents("json_value(record, '$.cursorTokenFee')") }} as cursor_fee_usd,
        {{ usd_from_cents("json_value(record, '$.chargedCents')") }} as charged_usd,
        exported_at,
        loaded_at,
        file,
        line
    from records
    where source = 'cursor_events'

),

events_marked as (

    select
        *,
        coalesce(not is_chargeable, regexp_contains(lower(kind), r'included|no[ _]charge|not[ _]charged'), false)
            as is_free
    from events

),

-- What is charged. An export without these fields has the two parts of it, of which either may be missing; without both
-- the cost is unknown.
final as (

    select
        event_key,
        usage_date,
        event_at,
        user_email,
        model,
        kind,
        is_max_mode,
        is_token_based,
        is_chargeable,
        request_units,
        uncached_input_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        output_tokens,
        token_cost_usd,
        cursor_fee_usd,
        charged_usd,
        if(
            is_free,
            numeric '0',
            coalesce(charged_usd, token_cost_usd + cursor_fee_usd, token_cost_usd, cursor_fee_usd)
        ) as cost_usd,
        not is_free and charged_usd is null and token_cost_usd is null
        and (coalesce(is_token_based, true) or cursor_fee_usd is null) as is_cost_unknown,
        exported_at,
        loaded_at,
        file,
        line
    from events_marked

)

select * from final
