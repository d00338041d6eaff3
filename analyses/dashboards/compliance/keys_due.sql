-- One row per key or secret in use, the one that is due first, and those of which nobody knows it.
with

keys as (

    select * from {{ ref('rpt_key_rotation') }}
    where is_in_use

),

final as (

    select
        case
            when due_at is null then 'unknown'
            when due_at <= @as_of then 'due'
            when due_at <= timestamp_add(@as_of, interval 14 day) then 'due soon'
            else 'rotated'
        end as rotation_state,
        replace(key_kind, '_', ' ') as kind,
        key_name,
        rotated_at,
        rotation_days,
        due_at,
        inventory_at
    from keys

)

select * from final
order by due_at asc, key_name asc
