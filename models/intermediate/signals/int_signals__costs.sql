{{ config(materialized='table') }}

with

day_costs as (

    select * from {{ ref('int_usage_costs_compared') }}

),

day_totals as (

    select * from {{ ref('int_usage_totals_compared') }}
    where usage_date between date_sub(date({{ as_of() }}), interval 31 day) and date({{ as_of() }})

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'financial_data_loss') }}

),

limits as (

    {{ valid_limits(ref('runtime_limits'), ['shrunk_percent', 'shrunk_tokens', 'cost_compared_usd']) }}

),

cost_vendors as (

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

totals_judged as (

    select
        day_totals.*,
        day_totals.lost * 100 >= limits.shrunk_percent * day_totals.largest_total
        and day_totals.lost >= if(day_totals.unit = 'USD', limits.cost_compared_usd, limits.shrunk_tokens) as is_bad
    from day_totals
    cross join limits

),

-- Of each vendor the first day that has shrunk, if any has.
totals_ranked as (

    select
        *,
        least(max(loaded_at) over (partition by vendor), {{ as_of() }}) as last_loaded_at,
        countif(is_bad) over (partition by vendor) as bad_days
    from totals_judged
    where true
    qualify
        row_number() over (
            partition by vendor order by if(is_bad, 0, 1), usage_date, source, coalesce(organization_id, '')
        ) = 1

),

-- A vendor without a bad day has the signal that all is well.
found as (

    select
        vendors.vendor,
        'cost' as kind,
        if(
            vendors.first_date is null, concat(vendors.vendor, ': the cost of each day is what its tokens cost'),
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
        vendors.first_date,
        vendors.bad_days
    from cost_vendors as vendors
    left join day_costs on vendors.vendor = day_costs.vendor and vendors.first_date = day_costs.usage_date
    union all
    select
        vendor,
        'shrunk' as kind,
        if(
            coalesce(not is_bad, true), concat(vendor, ': no day has shrunk since it was first reported'),
            concat(
                vendor, ': of ', format('%.2f', largest_total), ' ', unit, ' reported of ',
                cast(usage_date as string), ' ', format('%.2f', total), ' are left (', source, ')'
            )
        ) as title,
        if(is_bad, least(loaded_at, {{ as_of() }}), last_loaded_at) as started_at,
        if(is_bad, null, last_loaded_at) as ended_at,
        last_loaded_at as observed_at,
        cast(total as float64) as value,  -- noqa: RF04
        concat('about ', format('%.2f', largest_total), ' ', unit) as threshold,
        if(is_bad, usage_date, null) as first_date,
        bad_days
    from totals_ranked

),

final as (

    select
        'financial_data' as source,
        concat(found.kind, ':', found.vendor) as source_key,
        rules.rule_id,
        concat('cost:', found.vendor) as component,
        rules.severity_level,
        found.title,
        found.started_at,
        found.ended_at,
        found.observed_at,
        found.value,
        found.threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                found.vendor as vendor,
                cast(found.first_date as string) as first_day,
                found.bad_days as bad_days,
                concat(
                    'select * from ', if(found.kind = 'cost', 'fct_usage_daily', 'int_usage_totals_compared'),
                    ' where vendor = "', found.vendor, '" and usage_date = "', cast(found.first_date as string), '"'
                ) as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from found
    cross join rules

)

select * from final
