{{ config(materialized='view') }}

with

{% if env_var('INCIDENT_LEDGER_KEY_INVENTORY', '') != '' -%}
    final as (

        select
            key_rotation_id,
            key_name,
            key_kind,
            is_in_use,
            rotated_at,
            rotation_days,
            due_at,
            inventory_at
        from {{ ref('fct_key_rotation') }}

    )
{%- else -%}
    -- Nobody watches.
    final as (

        select
            cast(null as string) as key_rotation_id,
            cast(null as string) as key_name,
            cast(null as string) as key_kind,
            cast(null as bool) as is_in_use,
            cast(null as timestamp) as rotated_at,
            cast(null as float64) as rotation_days,
            cast(null as timestamp) as due_at,
            cast(null as timestamp) as inventory_at
        from unnest([1])
        where false

    )
{%- endif %}

select * from final
