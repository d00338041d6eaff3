{#- A literal day, so that the partitions before it are not read. Where nothing is settled, all events are current. -#}
{%- set since = current_since() | trim -%}

with

raw_events as (

    select * from {{ source('incident_ledger_raw', 'incident_events') }}
    {% if since -%}
        where recorded_at >= timestamp '{{ since }}'
    {%- endif %}

),

final as (

    {{ events_once('raw_events') }}

)

select * from final
