{{ config(materialized='table') }}

with

usage_daily as (

    select * from {{ ref('fct_usage_daily') }}
    where usage_date between date_sub(date({{ as_of() }}), interval 40 day) and date({{ as_of() }})

),

limits as (

    select
        max(if(limit_name = 'volume_due_hours', value, null)) as due_hours,
        max(if(limit_name = 'cost_factor', value, null)) as factor,
        max(if(limit_name = 'cost_compared_usd', value, null)) as compared_usd,
        max(if(limit_name = 'cost_baseline_days', value, null)) as baseline_days
    from (
        select *
        from {{ ref('runtime_limits') }}
        where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
        qualify {{ is_newest_valid(['limit_name']) }}
    )

),

-- An estimate is of the same report as the tokens: it proves nothing.
model_days as (

    select
        vendor,
        model,
        usage_date,
        sum(total_tokens) as tokens,
        sum(if(is_cost_estimated, null, cost_usd)) as cost_usd,
        max(loaded_at) as loaded_at
    from usage_daily
    group by vendor, model, usage_date

),

prices as (

    select distinct
        model_days.vendor,
        model_days.model,
        percentile_cont(cast(model_days.cost_usd as float64) / model_days.tokens, 0.5)
            over (partition by model_days.vendor, model_days.model) as price_usd,
        count(*) over (partition by model_days.vendor, model_days.model) as days_known
    from model_days
    where model_days.tokens > 0 and model_days.cost_usd > 0

),

vendor_days as (

    select
        model_days.vendor,
        model_days.usage_date,
        max(model_days.loaded_at) as loaded_at,
        sum(coalesce(cast(model_days.cost_usd as float64), 0)) as cost_usd,
        sum(coalesce(model_days.tokens, 0) * prices.price_usd) as expected_usd
    from model_days
    inner join prices
        on
            model_days.vendor = prices.vendor
            and coalesce(model_days.model, '') = coalesce(prices.model, '')
    cross join limits
    where prices.days_known >= limits.baseline_days
    group by model_days.vendor, model_days.usage_date

),

medians as (

    select
        *,
        percentile_cont(if(cost_usd > 0, cost_usd, null), 0.5) over (partition by vendor) as median_usd
    from vendor_days

),

-- Two witnesses: what the day's tokens cost by the prices of its models, and what days cost.
final as (

    select
        medians.vendor,
        medians.usage_date,
        medians.loaded_at,
        round(medians.cost_usd, 2) as cost_usd,
        round(medians.expected_usd, 2) as expected_usd,
        round(medians.median_usd, 2) as median_usd,
        coalesce(
            (
                medians.cost_usd * cast(limits.factor as float64) < medians.expected_usd
                and medians.cost_usd * cast(limits.factor as float64) < medians.median_usd
            )
            or (
                medians.cost_usd > medians.expected_usd * cast(limits.factor as float64)
                and medians.cost_usd > medians.median_usd * cast(limits.factor as float64)
            ),
            false
        ) as is_bad,
        -- A cost report comes after the usage; what is too much is known with it.
        if(
            medians.cost_usd > medians.expected_usd,
            medians.loaded_at,
            timestamp_add(
                timestamp(date_add(medians.usage_date, interval 1 day)),
                interval cast(limits.due_hours as int64) hour
            )
        ) as bad_at,
        {{ as_of() }} as as_of
    from medians
    cross join limits
    where
        medians.expected_usd >= cast(limits.compared_usd as float64)
        and medians.usage_date > date_sub(date({{ as_of() }}), interval 14 day)

)

select * from final
