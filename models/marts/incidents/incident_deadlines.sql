{{ config(materialized='view') }}
{%- set columns = [
    'incident_id', 'response_time', 'response_severity_level', 'response_deadline', 'escalation_deadline'
] %}

with

current_events as (

    select
        incident_id,
        event_type
    from {{ ref('stg_ledger__current_incident_events') }}

),

current_deadlines as (

    select * from {{ ref('int_current_incident_deadlines') }}

),

settled_deadlines as (

    select * from {{ ref('int_incident_sla_deadlines') }}
    where {{ is_settled('current_events') }}

),

final as (

    select {{ columns | join(', ') }}
    from current_deadlines

    union all

    select {{ columns | join(', ') }}
    from settled_deadlines

)

select * from final
