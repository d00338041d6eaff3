{{ config(materialized='table') }}

with

day_costs as (

    select * from {{ ref('int_usage_costs_compared') }}

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'financial_data_loss') }}

),

vendors as (

    select
        vendor,
        least(max(loaded_at), {{ as_of() }}) as loaded_at,
        min(if(is_bad, usage_date, null)) as first_date,
        min(if(is_bad, bad_at, null)) as bad_at,
        max(if(is_bad and bad_at <= {{ as_of() }}, bad_at, null)) as last_bad_at,
        countif(is_bad and bad_at <= {{ as_of() }}) as bad_days
    from day_costs
    group by vendor

),

-- A vendor without a bad day has the signal that all is well.
final as (

    select
        'financial_data' as source,
        concat('cost:', vendors.vendor) as source_key,
        rules.rule_id,
        concat('cost:', vendors.vendor) as component,
        rules.severity_level,
        if(
            vendors.first_date is null,
            concat(vendors.vendor, ': the cost of each day is what its tokens cost'),
            concat(
                vendors.vendor, ': ', format('%.2f', day_costs.cost_usd), ' USD are reported of ',
                cast(vendors.first_date as string), ', whose tokens cost ', format('%.2f', day_costs.expected_usd),
                ' by the prices of 40 days'
            )
        ) as title,
        coalesce(vendors.bad_at, vendors.loaded_at) as started_at,
        if(vendors.first_date is null, vendors.loaded_at, null) as ended_at,
        coalesce(vendors.last_bad_at, vendors.loaded_at) as observed_at,
        cast(day_costs.cost_usd as float64) as value,  -- noqa: RF04
        concat('about ', format('%.2f', day_costs.expected_usd), ' USD') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                vendors.vendor as vendor,
                cast(vendors.first_date as string) as first_day,
                vendors.bad_days as bad_days,
                concat(
                    'select * from fct_usage_daily where vendor = "', vendors.vendor, '" and usage_date = "',
                    cast(vendors.first_date as string), '"'
                ) as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from vendors
    left join day_costs
        on vendors.vendor = day_costs.vendor and vendors.first_date = day_costs.usage_date
    cross join rules

)

select * from final
