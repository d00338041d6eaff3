{#
  The value of the filter `component` by component: the ones with most incidents by name (after an equals sign, so that none is
  called as one of the others), every other one `other`. How many have a name: `dashboard_components`.
#}
{% macro component_groups() -%}
    select
        component,
        if(
            row_number() over (order by count(*) desc, component) <= {{ var('dashboard_components') }},
            concat('=', component),
            'other'
        ) as component_group
    from {{ ref('operational_metrics') }}
    where component is not null
    group by component
{%- endmacro %}

{# The shortest period of the filter `period` that has a time in it, in days before the as-of time of the page. #}
{% macro period_filter(time) -%}
    case
        {%- for days in var('dashboard_period_days') %}
        when {{ time }} > timestamp_sub(@as_of, interval {{ days }} day) then '{{ days }}'
        {%- endfor %}
        else 'all'
    end
{%- endmacro %}

{#
  Each incident of `operational_metrics` once for each combination of the filters that it is in: its severity, component and source
  and `all` of each, and each period. What cannot be summed up is computed by these four columns.
#}
{% macro incidents_by_filter() -%}
    select
        incidents.*,
        severity_filter,
        component_filter,
        source_filter,
        if(days > 36500, 'all', cast(days as string)) as period_filter
    from {{ ref('operational_metrics') }} as incidents
    left join ({{ component_groups() }}) as component_groups on incidents.component = component_groups.component
    cross join unnest([incidents.severity_level, 'all']) as severity_filter
    cross join unnest([coalesce(component_groups.component_group, 'none'), 'all']) as component_filter
    cross join unnest([incidents.source, 'all']) as source_filter
    cross join unnest([{{ var('dashboard_period_days') | join(', ') }}, 36501]) as days
    where
        incidents.detection_time <= @as_of
        and (days > 36500 or incidents.detection_time > timestamp_sub(@as_of, interval days day))
{%- endmacro %}

{# From a time to the as-of time of the page in minutes; negative for what lies ahead. #}
{% macro minutes_since(time) -%}
    timestamp_diff(@as_of, {{ time }}, microsecond) / 60000000
{%- endmacro %}
