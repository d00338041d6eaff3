-- One row per clock of an open incident that was not met yet: the overdue ones first, then what falls due next.
with

incidents as (

    select * from {{ ref('incident_state') }}
    where is_open and {{ is_counted() }} and detection_time <= @as_of

),

clocks as (

    select * from {{ ref('fct_response_sla') }}

),

component_groups as (

    {{ component_groups() }}

),

final as (

    select
        incidents.incident_id,
        coalesce(clocks.severity_level, incidents.severity_level) as severity_level,
        replace(clocks.clock, '_', ' ') as clock,
        coalesce(clocks.kept_until, clocks.due_at) as deadline,
        if(coalesce(clocks.kept_until, clocks.due_at) < @as_of, 'overdue', 'running') as clock_state,
        abs({{ minutes_since('coalesce(clocks.kept_until, clocks.due_at)') }}) as distance_minutes,
        incidents.severity_level as severity_filter,
        if(incidents.component is null, 'none', coalesce(component_groups.component_group, 'other'))
            as component_filter,
        incidents.source as source_filter,
        count(*) over () as total_rows
    from clocks
    inner join incidents on clocks.incident_id = incidents.incident_id
    left join component_groups on incidents.component = component_groups.component
    where
        clocks.met_at is null
        and clocks.is_met is not true
        and coalesce(clocks.kept_until, clocks.due_at) is not null
    qualify row_number() over (order by clocks.due_at, incidents.incident_id, clocks.response_sla_id) <= 200

)

select * from final
order by deadline, incident_id, clock
