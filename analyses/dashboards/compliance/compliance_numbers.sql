-- One row: of the last 90 days, what was answered late, what was not delivered, and which reviews are late.
with

incidents as (

    select * from {{ ref('operational_metrics') }}
    where detection_time <= @as_of and detection_time > timestamp_sub(@as_of, interval 90 day)

),

notifications as (

    select * from {{ ref('fct_notifications') }}
    where created_at <= @as_of and created_at > timestamp_sub(@as_of, interval 90 day)

),

tasks as (

    select * from {{ ref('fct_post_incident_tasks') }}

),

answered as (

    select
        countif(is_response_met is not null) as judged_responses,
        countif(not is_response_met) as late_responses,
        100 * safe_divide(countif(is_response_met), countif(is_response_met is not null)) as response_met_percent
    from incidents

),

delivered as (

    select
        count(*) as messages,
        countif(status != 'sent') as unsent_messages
    from notifications

),

reviewed as (

    select count(distinct if(done_at is null and due_at < @as_of, concat(incident_id, phase), null)) as late_reviews
    from tasks

),

final as (

    select
        answered.judged_responses,
        answered.late_responses,
        answered.response_met_percent,
        delivered.messages,
        delivered.unsent_messages,
        reviewed.late_reviews
    from answered
    cross join delivered
    cross join reviewed

)

select * from final
