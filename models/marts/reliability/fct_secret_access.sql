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
{%- set first_day = days[1] if days | length > 1 else "date '9999-12-31'" %}
{%- set has_audit_logs = env_var('INCIDENT_LEDGER_AUDIT_LOGS', '') != '' %}
{%- set has_job_logs = env_var('INCIDENT_LEDGER_PIPELINE_LOGS', '') != '' %}

with

{% if has_audit_logs -%}
    audited_accesses as (

        select * from {{ ref('int_audited_accesses_derived') }}
        where
            {% if is_incremental() -%}
                access_day >= date_sub({{ first_day }}, interval 1 day)
            {%- else -%}
                access_day >= date_sub(date({{ as_of() }}), interval 40 day)
            {%- endif %}

    ),
{%- endif %}

{% if has_job_logs -%}
    logged_accesses as (

        {{ log_entries_of(ref('int_secret_reads_derived'), days) }}

    ),
{%- endif %}

{% if has_audit_logs and has_job_logs -%}
    -- What both logs have is one access: the audit log knows who it was.
    logged_twice as (

        select distinct logged_accesses.secret_access_id
        from logged_accesses
        inner join audited_accesses
            on
                logged_accesses.access_kind = audited_accesses.access_kind
                and logged_accesses.accessed = audited_accesses.accessed
                and abs(timestamp_diff(logged_accesses.accessed_at, audited_accesses.accessed_at, second)) <= 60

    ),
{%- endif %}

accesses as (

    {% if has_audit_logs -%}
        select * from audited_accesses
        {% if is_incremental() -%}
            where access_day >= {{ first_day }}
        {%- endif %}
    {%- endif %}
    {% if has_audit_logs and has_job_logs -%}
        union all
    {%- endif %}
    {% if has_job_logs -%}
        select logged_accesses.* except (logged_at, shard_day)
        from logged_accesses
        {% if has_audit_logs -%}
            left join logged_twice on logged_accesses.secret_access_id = logged_twice.secret_access_id
            where logged_twice.secret_access_id is null
        {%- endif %}
    {%- endif %}

),

-- Of each row of the policy the version that held then; the others of its kind do not match.
versions as (

    select
        accesses.secret_access_id,
        allowed.is_allowed
    from accesses
    inner join {{ ref('allowed_principals') }} as allowed
        on
            accesses.access_kind = allowed.access_kind
            and coalesce(allowed.valid_from, timestamp '0001-01-01 00:00:00+00') <= accesses.accessed_at
            and allowed.resource in ('*', accesses.accessed)
            and (
                accesses.principal = allowed.principal
                or (
                    starts_with(allowed.principal, '*')
                    and ends_with(accesses.principal, substr(allowed.principal, 2))
                )
            )
    qualify {{ is_newest_valid(
        ['accesses.secret_access_id', 'allowed.access_kind', 'allowed.resource', 'allowed.principal'],
        'allowed.valid_from'
    ) }}

),

allowances as (

    select
        secret_access_id,
        logical_or(is_allowed) as is_allowed
    from versions
    group by secret_access_id

),

final as (

    select
        accesses.secret_access_id,
        accesses.access_day,
        accesses.accessed_at,
        accesses.access_kind,
        accesses.accessed as resource,  -- noqa: RF04
        accesses.principal,
        coalesce(allowances.is_allowed, false) as is_allowed,
        accesses.caller_ip,
        accesses.method_name,
        accesses.insert_id,
        accesses.seen_in,
        {{ as_of() }} as as_of
    from accesses
    left join allowances on accesses.secret_access_id = allowances.secret_access_id

)

select * from final
