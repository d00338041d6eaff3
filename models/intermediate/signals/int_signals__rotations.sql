{{ config(materialized='table') }}

with

keys as (

    select * from {{ ref('fct_key_rotation') }}

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'key_rotation_due') }}

),

-- One that is not due yet begins later; what is not in use any more, or was rotated, is over.
final as (

    select
        'key_rotation' as source,
        concat(keys.key_kind, ':', keys.key_name) as source_key,
        rules.rule_id,
        concat('key:', keys.key_name) as component,
        rules.severity_level,
        if(
            keys.is_in_use,
            concat(
                replace(keys.key_kind, '_', ' '), ' ', keys.key_name, ' is of ',
                format_timestamp('%Y-%m-%d', keys.rotated_at), ', and due for rotation since ',
                format_timestamp('%Y-%m-%d', keys.due_at)
            ),
            concat(replace(keys.key_kind, '_', ' '), ' ', keys.key_name, ' is not in use')
        ) as title,
        if(
            keys.is_in_use,
            timestamp_add(keys.due_at, interval if(rules.is_lower_inclusive, 0, 1) microsecond),
            keys.inventory_at
        ) as started_at,
        if(keys.is_in_use, null, keys.inventory_at) as ended_at,
        keys.inventory_at as observed_at,
        timestamp_diff(keys.inventory_at, keys.rotated_at, second) / 86400 as value,  -- noqa: RF04
        concat(cast(keys.rotation_days as string), ' days') as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                keys.key_name as key_name,
                keys.key_kind as key_kind,
                format_timestamp('%Y-%m-%dT%H:%M:%SZ', keys.rotated_at) as rotated_at,
                concat('select * from fct_key_rotation where key_name = "', keys.key_name, '"') as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from keys
    cross join rules
    where keys.due_at is not null or not keys.is_in_use

)

select * from final
