with

severities as (

    select * from {{ ref('int_incident_severities_sequenced') }}

),

rules as (

    select * from {{ ref('response_rules') }}
    where escalation_minutes is not null

),

-- One for each time at a severity, by the rule at detection.
escalations as (

    select
        severities.incident_id,
        severities.entry_order,
        severities.severity_level,
        severities.severity_rank,
        severities.valid_from,
        rules.escalation_minutes,
        rules.escalation_unless,
        rules.response_minutes
    from severities
    inner join rules
        on
            severities.severity_level = rules.severity_level
            and (rules.valid_from is null or severities.detection_time >= rules.valid_from)
    where true
    qualify {{ is_newest_valid(['severities.incident_id', 'severities.entry_order'], valid_from='rules.valid_from') }}

),

-- A milder severity ends it.
lowerings as (

    select
        severities.incident_id,
        severities.entry_order,
        min(later.valid_from) as lowered_at
    from severities
    inner join severities as later
        on
            severities.incident_id = later.incident_id
            and severities.entry_order < later.entry_order
            and severities.severity_rank < later.severity_rank
    group by severities.incident_id, severities.entry_order

),

final as (

    select
        escalations.incident_id,
        escalations.entry_order,
        escalations.severity_level,
        escalations.severity_rank,
        escalations.valid_from,
        escalations.escalation_minutes,
        escalations.response_minutes,
        escalations.escalation_unless,
        lowerings.lowered_at
    from escalations
    left join lowerings
        on escalations.incident_id = lowerings.incident_id and escalations.entry_order = lowerings.entry_order

)

select * from final
