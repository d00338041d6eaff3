-- One row per combination of filters and cause: what is not named yet is a row too.
with

incidents as (

    {{ incidents_by_filter() }}

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        period_filter,
        coalesce(root_cause_category, 'not named') as cause,
        count(*) as incidents,
        countif(is_open) as open_incidents
    from incidents
    group by severity_filter, component_filter, source_filter, period_filter, cause

)

select * from final
order by incidents desc, cause asc, severity_filter asc, component_filter asc, source_filter asc, period_filter asc
