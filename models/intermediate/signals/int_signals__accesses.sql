{{ config(materialized='table') }}

with

secret_access as (

    select
        *,
        coalesce(principal, 'an unknown account') as account_name
    from {{ ref('fct_secret_access') }}
    where access_day >= date_sub(date({{ as_of() }}), interval 40 day) and not is_allowed

),

rules as (

    {{ valid_rule(ref('classification_rules'), 'security_breach') }}

),

accounts as (

    select
        account_name,
        access_kind,
        min(accessed_at) as started_at,
        max(accessed_at) as last_at,
        count(*) as accesses,
        count(distinct resource) as resources,
        min(resource) as first_resource,
        any_value(caller_ip having max accessed_at) as caller_ip,
        any_value(insert_id having max accessed_at) as insert_id
    from secret_access
    group by account_name, access_kind

),

-- Nothing in a log says that it is over: a person does.
final as (

    select
        'secret_access' as source,
        concat(accounts.access_kind, ':', accounts.account_name) as source_key,
        rules.rule_id,
        concat('account:', accounts.account_name) as component,
        rules.severity_level,
        concat(
            accounts.account_name,
            if(accounts.access_kind = 'read_secret', ' has read ', ' has made an account or a key of '),
            accounts.first_resource,
            if(accounts.resources > 1, concat(' and ', cast(accounts.resources - 1 as string), ' more'), ''),
            ', and is not among those that may'
        ) as title,
        accounts.started_at,
        cast(null as timestamp) as ended_at,
        accounts.last_at as observed_at,
        cast(accounts.accesses as float64) as value,  -- noqa: RF04
        'the accounts of allowed_principals' as threshold,
        cast(null as string) as owner,
        to_json_string(
            struct(
                accounts.account_name as principal,
                accounts.accesses as accesses,
                accounts.resources as resources,
                accounts.caller_ip as caller_ip,
                accounts.insert_id as insert_id,
                concat(
                    'select * from fct_secret_access where not is_allowed and access_kind = "', accounts.access_kind,
                    '" and access_day >= "', cast(date(accounts.started_at) as string), '"'
                ) as query
            )
        ) as evidence,
        {{ as_of() }} as as_of
    from accounts
    cross join rules

)

select * from final
