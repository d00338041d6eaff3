with

listings as (

    select * from {{ ref('stg_assets__keys') }}
    where
        read_at <= {{ as_of() }}
        and read_at >= timestamp_sub({{ as_of() }}, interval 960 hour)
        and key_kind is not null
        and key_name is not null

),

-- All that one day's exports list is the inventory; what an older one alone lists is gone.
snapshots as (

    select
        *,
        max(date(read_at)) over () = date(read_at) as is_listed,
        max(read_at) over () as inventory_at
    from listings
    qualify row_number() over (partition by asset_name order by read_at desc) = 1

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'key_rotation_due') }}

),

periods as (

    select max(cast(lower_value as float64)) as usual_days
    from rules

),

keys as (

    select
        snapshots.key_name,
        snapshots.key_kind,
        max(snapshots.inventory_at) as inventory_at,
        max(snapshots.read_at) as listed_at,
        logical_or(snapshots.is_listed and snapshots.is_usable) as is_in_use,
        max(if(snapshots.is_listed and snapshots.is_usable, snapshots.created_at, null)) as rotated_at,
        coalesce(max(snapshots.rotation_seconds) / 86400, any_value(periods.usual_days)) as rotation_days
    from snapshots
    cross join periods
    group by snapshots.key_name, snapshots.key_kind

),

due as (

    select
        *,
        if(
            is_in_use,
            timestamp_add(rotated_at, interval cast(round(rotation_days * 86400) as int64) second),
            null
        ) as due_at
    from keys

),

final as (

    select
        {{ surrogate_key(['key_name', 'key_kind']) }} as key_rotation_id,
        key_name,
        key_kind,
        is_in_use,
        rotated_at,
        rotation_days,
        due_at,
        due_at <= {{ as_of() }} as is_due,
        listed_at,
        inventory_at,
        {{ as_of() }} as as_of
    from due

)

select * from final
