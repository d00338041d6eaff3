{#- `partitions` is filled by log_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'arrival_day', 'data_type': 'date'},
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = log_days_to_replace('arrival_day') %}
{%- set sinks = [] %}
{%- if env_var('INCIDENT_LEDGER_PIPELINE_LOGS', '') != '' -%}
    {%- do sinks.append(('pipeline_logs', ref('stg_cloud_logging__pipeline_logs'))) -%}
{%- endif %}
{%- if env_var('INCIDENT_LEDGER_AUDIT_LOGS', '') != '' -%}
    {%- do sinks.append(('audit_logs', ref('stg_cloud_logging__audit_logs'))) -%}
{%- endif %}

with

{% for name, staged in sinks -%}
    {{ name }} as (

        {{ log_entries_of(staged, days) }}

    ),

{% endfor -%}

entries as (

    {% for name, staged in sinks -%}
        select
            '{{ name }}' as sink_name,
            logged_at
        from {{ name }}
        -- A time in the future is of a clock that is wrong.
        where not coalesce(has_future_time, false)
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}

),

final as (

    select
        concat(sink_name, ' ', format_timestamp('%Y-%m-%dT%H', logged_at)) as log_arrival_id,
        sink_name,
        timestamp_trunc(logged_at, hour) as arrival_hour,
        date(logged_at) as arrival_day,
        min(logged_at) as first_logged_at,
        max(logged_at) as last_logged_at,
        count(*) as entries,
        {{ as_of() }} as as_of
    from entries
    group by log_arrival_id, sink_name, arrival_hour, arrival_day

)

select * from final
