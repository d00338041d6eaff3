-- One row per combination of filters and who found the incident: a check, a person or a vendor.
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
        coalesce(detected_by, 'not named') as found_by,
        count(*) as incidents,
        countif(is_open) as open_incidents
    from incidents
    group by severity_filter, component_filter, source_filter, period_filter, found_by

)

select * from final
order by incidents desc, found_by asc, severity_filter asc, component_filter asc, source_filter asc, period_filter asc
