with

results as (

    select * from {{ ref('base_anthropic__results') }}
    where source = 'anthropic_cost'

),

final as (

    select
        result_key,
        usage_date,
        starting_at,
        ending_at,
        organization_id,
        product,
        workspace_id,
        model,
        json_value(result, '$.cost_type') as cost_type,
        json_value(result, '$.token_type') as token_type,
        json_value(result, '$.description') as description,
        service_tier,
        context_window,
        inference_geo,
        speed,
        coalesce(json_value(result, '$.currency'), 'USD') as currency,
        {{ usd_from_cents("json_value(result, '$.amount')") }} as cost_usd,
        requests,
        exported_at,
        loaded_at,
        file,
        line
    from results

)

select * from final
