with

source as (

    select * from {{ source('incident_ledger_raw', 'notifications') }}

),

final as (

    select
        {{ surrogate_key(['message_id', 'channel']) }} as delivery_id,
        message_id,
        event_id,
        incident_id,
        template,
        channel,
        audience,
        recipients,
        subject,
        -- Rows of older versions have it in their subject alone.
        coalesce(severity_level, regexp_extract(subject, r'^\[INCIDENT-([^\]]+)\]')) as severity_level,
        created_at,
        status,
        attempts,
        last_attempt_at,
        sent_at,
        last_error
    from source
    where true
    qualify row_number() over (partition by created_at, message_id, channel order by sent_at desc, attempts desc) = 1

)

select * from final
