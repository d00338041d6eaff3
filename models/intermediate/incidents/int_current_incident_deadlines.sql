with

severity_history as (

    select * from {{ ref('int_incident_severity_history') }}

),

incidents as (

    select * from {{ ref('int_current_incidents_derived') }}
    where has_sla and {{ is_counted() }}

),

resolutions as (

    select
        incident_id,
        min(occurred_at) as first_resolution_time
    from {{ ref('int_incident_state_history') }}
    where status = 'resolved'
    group by incident_id

),

rules as (

    select * from {{ ref('response_rules') }}

),

business_deadlines as (

    select * from {{ ref('int_incident_sla_business_days') }}

),

-- What held when the incident was detected: a later row of the policy rewrites no older incident.
rule_of_each as (

    select
        severity_history.incident_id,
        severity_history.entry_order,
        severity_history.severity_level,
        severity_history.valid_from,
        rules.response_basis,
        rules.escalation_basis,
        cast(round(rules.response_minutes * 60000000) as int64) as response_microseconds,
        cast(round(rules.escalation_minutes * 60000000) as int64) as escalation_microseconds
    from severity_history
    inner join rules
        on
            severity_history.severity_level = rules.severity_level
            and (rules.valid_from is null or severity_history.detection_time >= rules.valid_from)
    where true
    qualify row_number() over (
        partition by severity_history.incident_id, severity_history.entry_order
        order by coalesce(rules.valid_from, timestamp '0001-01-01 00:00:00+00:00') desc
    ) = 1

),

clocks as (

    select
        rule_of_each.incident_id,
        rule_of_each.entry_order,
        rule_of_each.severity_level,
        rule_of_each.valid_from,
        row_number() over (partition by rule_of_each.incident_id order by rule_of_each.entry_order) as place,
        case rule_of_each.response_basis
            when 'minutes'
                then timestamp_add(rule_of_each.valid_from, interval rule_of_each.response_microseconds microsecond)
            when 'next_business_day' then business_deadlines.closes_at
        end as response_deadline,
        case rule_of_each.escalation_basis
            when 'immediate' then rule_of_each.valid_from
            when 'minutes'
                then timestamp_add(rule_of_each.valid_from, interval rule_of_each.escalation_microseconds microsecond)
        end as escalation_deadline
    from rule_of_each
    left join business_deadlines
        on
            rule_of_each.incident_id = business_deadlines.incident_id
            and rule_of_each.entry_order = business_deadlines.entry_order

),

-- The first answer: an acknowledgement, or the first resolution, which needs none; what is reopened was answered.
answers as (

    select
        incidents.incident_id,
        date(incidents.detection_time) as detection_date,
        coalesce(
            least(incidents.our_acknowledged_time, resolutions.first_resolution_time),
            incidents.our_acknowledged_time,
            resolutions.first_resolution_time
        ) as response_time
    from incidents
    left join resolutions on incidents.incident_id = resolutions.incident_id

),

-- Each severity that held before the first answer starts a clock, and the earliest end counts: a rise shortens the
-- time, a lowering gives none back, and what changes after the answer changes nothing.
final as (

    select
        clocks.incident_id,
        any_value(answers.detection_date) as detection_date,
        any_value(answers.response_time) as response_time,
        any_value(clocks.severity_level having min clocks.response_deadline) as response_severity_level,
        min(clocks.response_deadline) as response_deadline,
        min(clocks.escalation_deadline) as escalation_deadline
    from clocks
    inner join answers on clocks.incident_id = answers.incident_id
    where
        answers.response_time is null
        or clocks.valid_from <= answers.response_time
        or clocks.place = 1
    group by clocks.incident_id

)

select * from final
