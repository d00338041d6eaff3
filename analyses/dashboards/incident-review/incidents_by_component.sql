-- One row per combination of filters and component: the ones with most incidents by name, the rest together.
with

incidents as (

    {{ incidents_by_filter() }}

),

component_groups as (

    {{ component_groups() }}

),

incident_components as (

    select
        incidents.* except (component),
        case
            when incidents.component is null then 'not named'
            when component_groups.component_group = 'other' then 'other components'
            else incidents.component
        end as component_name
    from incidents
    left join component_groups on incidents.component = component_groups.component

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        period_filter,
        component_name,
        count(*) as incidents,
        countif(is_open) as open_incidents,
        sum(if({{ is_excluded('mttr') }}, null, mttr_minutes)) as resolution_minutes
    from incident_components
    group by severity_filter, component_filter, source_filter, period_filter, component_name

)

select * from final
order by
    incidents desc, component_name asc, severity_filter asc, component_filter asc, source_filter asc, period_filter asc
