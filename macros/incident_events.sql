{# Two MERGEs that only insert may run at once on BigQuery and both insert; copies are made by `ledger/settling.py`. #}
{% macro events_once(relation) -%}
    select
        event_id,
        incident_id,
        event_type,
        occurred_at,
        coalesce(first_recorded_at, recorded_at) as recorded_at,
        actor,
        source,
        source_key,
        severity_level,
        case when payload is null then '{}' else to_json_string(payload) end as payload
    from {{ relation }}
    where true
    qualify row_number() over (partition by event_id order by coalesce(first_recorded_at, recorded_at), recorded_at) = 1
{%- endmacro %}

{# The Monday from which on current events are recorded, which the runner sets; empty where all are. sqlfluff knows no `env_var`. #}
{% macro current_since() -%}
    {{ env_var('INCIDENT_LEDGER_CURRENT_SINCE', '') if env_var is defined }}
{%- endmacro %}
