{{ config(materialized='view') }}

with

incidents as (

    select
        *,
        -- What was contained and went on is over with its resolution.
        not {{ is_excluded('mttc') }} and (last_reopened_time is null or last_reopened_time < contained_time)
            as is_contained
    from {{ ref('int_incidents_measured') }}

),

assessments as (

    select
        incident_id,
        event_order,
        occurred_at,
        actor,
        json_value(payload, '$.data_impact') as data_impact
    from {{ ref('int_response_events_sequenced') }}
    where event_type = 'impact_assessed' and {{ is_person('actor') }}

),

assessments_aggregated as (

    select
        incident_id,
        count(*) as assessments,
        any_value(occurred_at having max event_order) as last_assessed_at,
        any_value(actor having max event_order) as last_assessed_by,
        {{ latest_value('data_impact') }} as data_impact
    from assessments
    group by incident_id

),

breaches as (

    select
        incidents.incident_id,
        json_value(breach, '$.rule_id') as rule_id,
        safe_cast(json_value(breach, '$.failed') as int64) as failed_records,
        safe_cast(json_value(breach, '$.examined') as int64) as examined_records
    from incidents
    cross join unnest(json_query_array(incidents.evidence, '$.breaches')) as breach

),

-- A record may break several rules: those of the rule that most of them break are counted.
breaches_aggregated as (

    select
        incident_id,
        count(*) as breached_rules,
        max(failed_records) as failed_records,
        any_value(examined_records having max if(failed_records is not null, failed_records, null)) as examined_records
    from breaches
    group by incident_id

),

measured as (

    select
        *,
        coalesce(start_time, detection_time) as impact_started_at,
        case
            when is_contained then contained_time
            when not {{ is_excluded('mttr') }} then resolution_time
        end as impact_ended_at
    from incidents

),

final as (

    select
        measured.incident_id,
        measured.severity_level,
        measured.detection_time,
        measured.is_open,
        measured.user_impact,
        measured.financial_impact,
        assessments_aggregated.data_impact,
        measured.services,
        breaches_aggregated.breached_rules,
        breaches_aggregated.failed_records,
        breaches_aggregated.examined_records,
        measured.impact_started_at,
        measured.impact_ended_at,
        {{ minutes(
            'timestamp_diff(measured.impact_ended_at, measured.impact_started_at, microsecond)'
            ~ ' - measured.reopened_gap_microseconds'
        ) }} as impact_minutes,
        coalesce(assessments_aggregated.assessments, 0) as assessments,
        assessments_aggregated.last_assessed_at,
        assessments_aggregated.last_assessed_by
    from measured
    left join assessments_aggregated on measured.incident_id = assessments_aggregated.incident_id
    left join breaches_aggregated on measured.incident_id = breaches_aggregated.incident_id

)

select * from final
