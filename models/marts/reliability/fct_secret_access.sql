{#- `partitions` is filled by log_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'access_day', 'data_type': 'date'},
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = log_days_to_replace('access_day') %}

with

admin_activity as (

    select * from {{ ref('fct_admin_activity') }}
    where
        {% if is_incremental() -%}
            activity_day >= {{ days[1] if days | length > 1 else "date '9999-12-31'" }}
        {%- else -%}
            activity_day >= date_sub(date({{ as_of() }}), interval 40 day)
        {%- endif %}
        and is_success
        and (
            ends_with(lower(method_name), '.accesssecretversion')
            or ends_with(lower(method_name), '.createserviceaccount')
            or ends_with(lower(method_name), '.createserviceaccountkey')
            or ends_with(lower(method_name), 'apikeys.createkey')
        )

),

accesses as (

    select
        *,
        if(ends_with(lower(method_name), '.accesssecretversion'), 'read_secret', 'create_key') as access_kind,
        regexp_extract(resource_name, r'/secrets/([^/]+)') as secret_name
    from admin_activity

),

-- Of each row of the policy the version that held then; the others of its kind do not match.
versions as (

    select
        accesses.admin_activity_id,
        allowed.is_allowed
    from accesses
    inner join {{ ref('allowed_principals') }} as allowed
        on
            accesses.access_kind = allowed.access_kind
            and coalesce(allowed.valid_from, timestamp '0001-01-01 00:00:00+00') <= accesses.occurred_at
            and allowed.resource in ('*', coalesce(accesses.secret_name, accesses.resource_name))
            and (
                accesses.principal = allowed.principal
                or (
                    starts_with(allowed.principal, '*')
                    and ends_with(accesses.principal, substr(allowed.principal, 2))
                )
            )
    qualify {{ is_newest_valid(
        ['accesses.admin_activity_id', 'allowed.access_kind', 'allowed.resource', 'allowed.principal'],
        'allowed.valid_from'
    ) }}

),

allowances as (

    select
        admin_activity_id,
        logical_or(is_allowed) as is_allowed
    from versions
    group by admin_activity_id

),

final as (

    select
        accesses.admin_activity_id as secret_access_id,
        accesses.activity_day as access_day,
        accesses.occurred_at as accessed_at,
        accesses.access_kind,
        coalesce(accesses.secret_name, accesses.resource_name) as resource,  -- noqa: RF04
        accesses.principal,
        coalesce(allowances.is_allowed, false) as is_allowed,
        accesses.caller_ip,
        accesses.method_name,
        accesses.insert_id,
        {{ as_of() }} as as_of
    from accesses
    left join allowances on accesses.admin_activity_id = allowances.admin_activity_id

)

select * from final
