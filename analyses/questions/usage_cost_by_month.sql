-- What does the use of AI cost, by month, vendor and product?
with

usage_days as (

    select * from {{ ref('fct_usage_daily') }}
    where usage_date <= date(@as_of)

),

final as (

    select
        date_trunc(usage_date, month) as month,  -- noqa: RF04
        vendor,
        product,
        count(distinct user_name) as users,
        sum(requests) as requests,
        sum(total_tokens) as total_tokens,
        sum(cost_usd) as cost_usd,
        sum(estimated_cost_usd) as estimated_cost_usd,
        sum(unknown_cost_records) as records_without_cost
    from usage_days
    group by month, vendor, product

)

select * from final
order by month desc, vendor asc, product asc
