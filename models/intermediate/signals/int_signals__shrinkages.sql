{{ config(materialized='table') }}

with

day_totals as (

    select * from {{ ref('int_usage_totals_compared') }}
    where usage_date between date_sub(date({{ as_of() }}), interval 31 day) and date({{ as_of() }})

),

limits as (

    select
        max(if(limit_name = 'shrunk_percent', value, null)) as shrunk_percent,
        max(if(limit_name = 'shrunk_tokens', value, null)) as shrunk_tokens,
        max(if(limit_name = 'cost_compared_usd', value, null)) as compared_usd
    from (
        select *
        from {{ ref('runtime_limits') }}
        where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
        qualify {{ is_newest_valid(['limit_name']) }}
    )

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'financial_data_loss') }}

),

days_judged as (

    select
        day_totals.*,
        coalesce(
            (day_totals.largest_total - day_totals.total) * 100
            >= limits.shrunk_percent * day_totals.largest_total
            and day_totals.largest_total - day_totals.total
            >= if(day_totals.unit = 'USD', limits.compared_usd, limits.shrunk_tokens),
            false
        ) as is_bad
    from day_totals
    cross join limits

),

-- Of each vendor the first day that has shrunk, if any has.
vendors as (

    select
        *,
        least(max(loaded_at) over (partition by vendor), {{ as_of() }}) as last_loaded_at,
        countif(is_bad) over (partition by vendor) as bad_days
    from days_judged
    where true
    qualify
        row_number() over (
            partition by vendor
            order by if(is_bad, 0, 1), usage_date, source, coalesce(organization_id, '')
        ) = 1

),

-- A vendor of which no day has shrunk has the signal that all is well.
final as (

    select
        'financial_data' as source,
        concat('shrunk:', vendors.vendor) as source_key,
        rules.rule_id,
        concat('cost:', vendors.vendor) as component,
        rules.severity_level,
        if(
            vendors.is_bad,
            concat(
                vendors.vendor, ': of ', format('%.2f', vendors.largest_total), ' ', vendors.unit, ' reported of ',
                cast(vendors.usage_date as string), ' ', format('%.2f', vendors.total), ' are left (',
                vendors.source, ')'
            ),
            concat(vendors.vendor, ': no day has shrunk since it was first reported')
        ) as title,
        if(vendors.is_bad, least(vendors.loaded_at, {{ as_of() }}), vendors.last_loaded_at) as started_at,
        if(vendors.is_bad, null, vendors.last_loaded_at) as ended_at,
        vendors.last_loaded_at as observed_at,
        cast(vendors.total as float64) as value,  -- noqa: RF04
        concat('about ', format('%.2f', vendors.largest_total), ' ', vendors.unit) as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                vendors.vendor as vendor,
                vendors.source as report,
                cast(vendors.usage_date as string) as first_day,
                vendors.bad_days as bad_days,
                cast(vendors.largest_total as float64) as largest_total,
                cast(vendors.total as float64) as total,
                concat(
                    'select * from int_usage_totals_history where source = "', vendors.source,
                    '" and usage_date = "', cast(vendors.usage_date as string), '" order by loaded_at'
                ) as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from vendors
    cross join rules

)

select * from final
