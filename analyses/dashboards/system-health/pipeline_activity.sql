-- One row per pipeline and circuit breaker of which the logs of 7 days know: its newest state, what is bad first.
with

activity as (

    select * from {{ ref('rpt_pipeline_activity') }}
    where
        happened_at <= @as_of
        and activity_day >= date_sub(date(@as_of), interval 7 day)

),

final as (

    select
        activity_kind,
        subject,
        state,
        happened_at,
        duration_seconds,
        message,
        countif(state in ('failed', 'open')) over (partition by activity_kind, subject) as failures
    from activity
    where true
    qualify
        row_number() over (
            partition by activity_kind, subject
            order by happened_at desc, activity_key desc
        ) = 1

)

select * from final
order by if(state in ('failed', 'open'), 0, 1) asc, activity_kind desc, subject asc
