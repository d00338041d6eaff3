with

incidents as (

    select * from {{ ref('int_incident_clock_starts_aggregated') }}

),

responses as (

    select * from {{ ref('int_current_incident_deadlines') }}

),

escalations as (

    select * from {{ ref('int_incident_escalation_clocks_measured') }}

),

steps as (

    select * from {{ ref('int_incident_step_clocks_measured') }}

),

reviews as (

    select * from {{ ref('int_incident_review_clocks_measured') }}

),

updates as (

    select * from {{ ref('int_incident_updates_aggregated') }}

),

clocks as (

    select
        incident_id,
        'response' as clock,
        response_severity_level as severity_level,
        response_deadline as due_at,
        response_deadline as kept_until,
        response_time as met_at
    from responses

    union all

    select
        incident_id,
        'escalation' as clock,
        severity_level,
        due_at,
        kept_until,
        met_at
    from escalations

    union all

    select
        incident_id,
        clock,
        severity_level,
        due_at,
        kept_until,
        met_at
    from steps

    union all

    select
        incident_id,
        clock,
        severity_level,
        due_at,
        due_at as kept_until,
        met_at
    from reviews

    union all

    select
        incident_id,
        'updates' as clock,
        cast(null as string) as severity_level,
        cast(null as timestamp) as due_at,
        cast(null as timestamp) as kept_until,
        cast(null as timestamp) as met_at
    from updates

),

final as (

    select
        {{ surrogate_key(
            ['clocks.incident_id', 'clocks.clock', "if(clocks.clock = 'escalation', clocks.severity_level, null)"]
        ) }} as response_sla_id,
        clocks.incident_id,
        date(incidents.detection_time) as detection_date,
        clocks.clock,
        clocks.severity_level,
        clocks.due_at,
        clocks.kept_until,
        clocks.met_at,
        -- What is to be done after the end goes on after it.
        if(reviews.incident_id is null, incidents.resolution_time, null) as ended_at,
        if(clocks.clock = 'updates', updates.kept_updates, null) as kept_updates,
        if(clocks.clock = 'updates', updates.missed_updates, null) as missed_updates,
        if(clocks.clock = 'updates', updates.first_missed_at, null) as first_missed_at,
        if(clocks.clock = 'updates', updates.late_microseconds, null) as late_microseconds,
        if(clocks.clock = 'updates', updates.running_since, null) as running_since,
        if(clocks.clock = 'updates', updates.running_microseconds, null) as running_microseconds,
        if(clocks.clock = 'updates', updates.update_requests, null) as update_requests
    from clocks
    inner join incidents on clocks.incident_id = incidents.incident_id
    left join reviews on clocks.incident_id = reviews.incident_id and clocks.clock = reviews.clock
    left join updates on clocks.incident_id = updates.incident_id

)

select * from final
