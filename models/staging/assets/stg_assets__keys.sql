{%- set columns = sink_columns(source('cloud_assets', 'key_inventory')) -%}
{%- set data = sink_field('resource.data', columns) -%}

with

source as (

    select * from {{ source('cloud_assets', 'key_inventory') }}

),

final as (

    select
        {{ surrogate_key(['name', 'unix_micros(readtime)']) }} as key_listing_id,
        source.name as asset_name,
        asset_type,
        readtime as read_at,
        -- A secret's versions are what is rotated.
        regexp_replace(regexp_extract(source.name, r'^//[^/]+/(.+)$'), r'/versions/[^/]+$', '') as key_name,
        case asset_type
            when 'secretmanager.googleapis.com/Secret' then 'secret'
            when 'secretmanager.googleapis.com/SecretVersion' then 'secret'
            when 'iam.googleapis.com/ServiceAccountKey' then 'service_account_key'
            when 'apikeys.googleapis.com/Key' then 'api_key'
        end as key_kind,
        -- BigQuery has microseconds.
        safe_cast(
            regexp_replace(
                coalesce(json_value({{ data }}, '$.createTime'), json_value({{ data }}, '$.validAfterTime')),
                r'(\.[0-9]{6})[0-9]+', '\\1'
            ) as timestamp
        ) as created_at,
        case asset_type
            when 'secretmanager.googleapis.com/Secret' then false
            when
                'secretmanager.googleapis.com/SecretVersion'
                then coalesce(json_value({{ data }}, '$.state'), 'ENABLED') = 'ENABLED'
            else
                json_value({{ data }}, '$.deleteTime') is null
                and coalesce(json_value({{ data }}, '$.disabled'), 'false') != 'true'
                -- Google rotates its own.
                and coalesce(json_value({{ data }}, '$.keyType'), 'USER_MANAGED') = 'USER_MANAGED'
        end as is_usable,
        safe_cast(
            regexp_extract(json_value({{ data }}, '$.rotation.rotationPeriod'), r'^([0-9]+)(?:\.[0-9]+)?s$') as int64
        ) as rotation_seconds
    from source
    where readtime is not null
    qualify row_number() over (partition by readtime, source.name order by update_time desc) = 1

)

select * from final
