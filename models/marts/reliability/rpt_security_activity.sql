{{ config(materialized='view') }}
{%- set has_audit_logs = env_var('INCIDENT_LEDGER_AUDIT_LOGS', '') != '' %}

with

{% if has_audit_logs or env_var('INCIDENT_LEDGER_PIPELINE_LOGS', '') != '' -%}
    final as (

        select
            concat(access_kind, ':', secret_access_id) as activity_key,
            access_day as activity_day,
            replace(access_kind, '_', ' ') as activity_kind,
            resource as subject,
            principal,
            if(is_allowed, 'allowed', 'not allowed') as verdict,
            accessed_at as happened_at
        from {{ ref('fct_secret_access') }}
        {% if has_audit_logs -%}
            union all
            select
                concat('admin:', admin_activity_id) as activity_key,
                activity_day,
                if(is_public is null, 'other change', 'access policy') as activity_kind,
                resource_name as subject,
                principal,
                case
                    when not is_success then 'refused'
                    when is_public then 'open to all'
                    else 'done'
                end as verdict,
                occurred_at as happened_at
            from {{ ref('fct_admin_activity') }}
        {%- endif %}

    )
{%- else -%}
    -- Nobody watches.
    final as (

        select
            cast(null as string) as activity_key,
            cast(null as date) as activity_day,
            cast(null as string) as activity_kind,
            cast(null as string) as subject,
            cast(null as string) as principal,
            cast(null as string) as verdict,
            cast(null as timestamp) as happened_at
        from unnest([1])
        where false

    )
{%- endif %}

select * from final
