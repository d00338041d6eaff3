-- What was escalated, and how soon did a person answer?
with

escalations as (

    select * from {{ ref('fct_escalations') }}
    where due_at <= @as_of

),

escalations_timed as (

    select
        coalesce(step_id, event_type) as step,
        coalesce(severity_level, 'none') as severity_level,
        incident_id,
        due_to_answered_minutes,
        percentile_cont(due_to_answered_minutes, 0.5) over (
            partition by coalesce(step_id, event_type), coalesce(severity_level, 'none')
        ) as median_answer_minutes
    from escalations

),

final as (

    select
        step,
        severity_level,
        count(*) as escalations,
        count(distinct incident_id) as incidents,
        countif(due_to_answered_minutes is null) as unanswered_escalations,
        max(median_answer_minutes) as median_answer_minutes,
        max(due_to_answered_minutes) as longest_answer_minutes
    from escalations_timed
    group by step, severity_level

)

select * from final
order by escalations desc, step asc, severity_level asc
