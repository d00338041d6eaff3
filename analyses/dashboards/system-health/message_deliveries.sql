-- One row per channel: the messages of the last 7 days and what became of them.
with

notifications as (

    select * from {{ ref('fct_notifications') }}
    where created_at <= @as_of and created_at > timestamp_sub(@as_of, interval 7 day)

),

final as (

    select
        channel,
        count(*) as messages,
        countif(status = 'sent') as sent_messages,
        countif(status != 'sent') as unsent_messages,
        100 * countif(status = 'sent') / count(*) as sent_percent,
        max(created_to_sent_minutes) as slowest_minutes
    from notifications
    group by channel

)

select * from final
order by unsent_messages desc, channel asc
