-- One row per filter and value that can be chosen, in the order in which they are offered.
with

incidents as (

    select * from {{ ref('operational_metrics') }}

),

severities as (

    select * from {{ ref('dim_severities') }}

),

checks as (

    select * from {{ ref('fct_data_quality') }}

),

rule_checks as (

    select * from {{ ref('fct_quality_rules') }}

),

component_groups as (

    {{ component_groups() }}

),

choices as (

    select
        filter_name,
        'all' as choice,
        0 as choice_rank
    from unnest(['period', 'severity', 'component', 'source', 'checked_table']) as filter_name
    union all
    select
        'period' as filter_name,
        cast(days as string) as choice,
        days as choice_rank
    from unnest([{{ var('dashboard_period_days') | join(', ') }}]) as days
    union all
    select
        'severity' as filter_name,
        severity_level as choice,
        1 + severity_rank as choice_rank
    from severities
    union all
    select distinct
        'source' as filter_name,
        source as choice,
        1 as choice_rank
    from incidents
    union all
    -- A component that is called as one of the other choices, or begins with the sign of a name, keeps that sign.
    select distinct
        'component' as filter_name,
        case
            when component_group = 'other' then 'other'
            when component in ('all', 'none', 'other') or starts_with(component, '=') then component_group
            else component
        end as choice,
        if(component_group = 'other', 2, 1) as choice_rank
    from component_groups
    union all
    select distinct
        'component' as filter_name,
        'none' as choice,
        3 as choice_rank
    from incidents
    where component is null
    union all
    select distinct
        'checked_table' as filter_name,
        component as choice,
        1 as choice_rank
    from checks
    union all
    select distinct
        'checked_table' as filter_name,
        component as choice,
        1 as choice_rank
    from rule_checks

),

final as (

    select distinct
        filter_name,
        choice,
        choice_rank
    from choices
    where choice is not null

)

select * from final
order by filter_name asc, choice_rank asc, choice asc
