-- Which tables breach most often, and how bad does it get?
with

checks as (

    select * from {{ ref('fct_data_quality') }}
    where checked_at <= @as_of and checked_at > timestamp_sub(@as_of, interval 90 day)

),

final as (

    select
        table_name,
        coalesce(owner, 'nobody') as owner,
        count(*) as checks,
        countif(is_breach) as breaches,
        countif(not is_checked) as checks_not_run,
        count(distinct if(is_breach, date(checked_at), null)) as days_with_breaches,
        min(if(is_breach, severity_level, null)) as worst_severity,
        max(if(is_breach, checked_at, null)) as last_breach_at
    from checks
    group by table_name, owner

)

select * from final
order by breaches desc, table_name asc, owner asc
