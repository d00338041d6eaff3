{{ config(materialized='view') }}

with

current_events as (

    select
        incident_id,
        event_type
    from {{ ref('stg_ledger__current_incident_events') }}

),

current_incidents as (

    select * from {{ ref('int_current_incidents_derived') }}

),

settled_incidents as (

    select * from {{ ref('stg_ledger__settled_incidents') }}
    where {{ is_settled('current_events') }}

),

final as (

    select
        {{ incident_state_columns() }}
    from current_incidents

    union all

    select
        {{ incident_state_columns() }}
    from settled_incidents

)

select * from final
