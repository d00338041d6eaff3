-- One row per kind of activity, account and verdict of 30 days, what was not allowed or opened to all first.
with

activity as (

    select * from {{ ref('rpt_security_activity') }}
    where
        happened_at <= @as_of
        and activity_day >= date_sub(date(@as_of), interval 30 day)

),

final as (

    select
        activity_kind,
        verdict,
        coalesce(principal, 'unknown') as account_name,
        count(*) as times,
        count(distinct subject) as subjects,
        max(happened_at) as last_at,
        any_value(subject having max happened_at) as last_subject
    from activity
    group by activity_kind, verdict, account_name

)

select * from final
order by
    if(verdict in ('not allowed', 'open to all'), 0, 1) asc,
    last_at desc,
    activity_kind asc,
    verdict asc,
    account_name asc
