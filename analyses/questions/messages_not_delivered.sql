-- How many messages of the last 30 days did each channel deliver, how many not, and why?
with

notifications as (

    select * from {{ ref('fct_notifications') }}
    where created_at <= @as_of and created_at > timestamp_sub(@as_of, interval 30 day)

),

final as (

    select
        channel,
        audience,
        count(*) as messages,
        countif(status = 'sent') as sent_messages,
        countif(status != 'sent') as unsent_messages,
        sum(attempts) as attempts,
        max(if(status != 'sent', last_error, null)) as an_error
    from notifications
    group by channel, audience

)

select * from final
order by unsent_messages desc, messages desc, channel asc, audience asc
