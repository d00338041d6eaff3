-- Which improvements did reviews agree on, whose are they, and which are past their day?
with

findings as (

    select * from {{ ref('fct_review_findings') }}
    where finding_type = 'improvement' and reviewed_at <= @as_of

),

final as (

    select
        due_date,
        coalesce(finding_owner, 'nobody') as owner,
        finding as improvement,
        incident_id,
        reviewed_at,
        due_date < date(@as_of) as is_past_its_day
    from findings

)

select * from final
order by due_date asc, incident_id asc, improvement asc
