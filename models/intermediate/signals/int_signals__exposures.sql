{{ config(materialized='table') }}

with

admin_activity as (

    select
        *,
        concat(service_name, '/', resource_name) as resource_key
    from {{ ref('fct_admin_activity') }}
    where
        activity_day >= date_sub(date({{ as_of() }}), interval 40 day)
        and is_public is not null
        and resource_name is not null

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'security_breach') }}

),

last_public as (

    select
        resource_key,
        max(occurred_at) as last_public_at
    from admin_activity
    where is_public
    group by resource_key

),

around as (

    select
        admin_activity.resource_key,
        last_public.last_public_at,
        max(
            if(
                not admin_activity.is_public and admin_activity.occurred_at < last_public.last_public_at,
                admin_activity.occurred_at, null
            )
        ) as closed_before_at,
        min(
            if(
                not admin_activity.is_public and admin_activity.occurred_at >= last_public.last_public_at,
                admin_activity.occurred_at, null
            )
        ) as closed_at
    from admin_activity
    inner join last_public on admin_activity.resource_key = last_public.resource_key
    group by admin_activity.resource_key, last_public.last_public_at

),

exposures as (

    select
        around.resource_key,
        around.last_public_at,
        around.closed_at,
        min(admin_activity.occurred_at) as opened_at,
        any_value(admin_activity.resource_name) as resource_name,
        any_value(admin_activity.principal having min admin_activity.occurred_at) as principal,
        any_value(admin_activity.caller_ip having min admin_activity.occurred_at) as caller_ip,
        any_value(admin_activity.method_name having min admin_activity.occurred_at) as method_name,
        any_value(admin_activity.insert_id having min admin_activity.occurred_at) as insert_id
    from around
    inner join admin_activity
        on
            around.resource_key = admin_activity.resource_key
            and around.last_public_at >= admin_activity.occurred_at
            and coalesce(around.closed_before_at, timestamp '0001-01-01 00:00:00+00') < admin_activity.occurred_at
            and admin_activity.is_public
    group by around.resource_key, around.last_public_at, around.closed_at

),

final as (

    select
        concat('exposure:', exposures.resource_key) as source_key,
        rules.rule_id,
        concat('resource:', exposures.resource_key) as component,
        rules.severity_level,
        concat(
            exposures.resource_name, ' was opened to everybody by ', coalesce(exposures.principal, 'an unknown account')
        ) as title,
        exposures.opened_at as started_at,
        exposures.closed_at as ended_at,
        coalesce(exposures.closed_at, exposures.last_public_at) as observed_at,
        cast(null as float64) as value,  -- noqa: RF04
        'open to nobody but named accounts' as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                exposures.resource_name as resource_name,
                exposures.principal as principal,
                exposures.caller_ip as caller_ip,
                exposures.method_name as method_name,
                exposures.insert_id as insert_id
            )
        ) as evidence,
        {{ as_of() }} as as_of,
        'audit_log' as source
    from exposures
    cross join rules

)

select * from final
