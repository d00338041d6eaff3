{#- `partitions` is filled by incident_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'detection_date', 'data_type': 'date'},
        cluster_by=['incident_id'],
        partitions=["date '1970-01-01'"]
    )
}}
{% set days = incident_days_to_replace() -%}

with

current_clocks as (

    select * from {{ ref('int_current_incident_sla_clocks_unioned') }}

),

final as (

    {{ current_and_settled('current_clocks', days) }}

)

select * from final
