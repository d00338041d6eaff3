{#
  The days on which an incident was detected that is not settled, as literal dates in order: what an incremental build of
  incidents replaces. A detection that was superseded counts too, whose day may be the one that the table has.
#}
{% macro incident_days_to_replace() -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- set current_events = ref('stg_ledger__current_incident_events') -%}
    {%- if execute and flags.INTROSPECT and is_incremental() -%}
        {%- set found = run_query(
            'select distinct date(occurred_at) as detection_date from ' ~ current_events
            ~ " where event_type = 'detected' order by detection_date"
        ) -%}
        {%- for day in found.columns[0].values() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {%- do set_partitions(days) -%}
    {{ return(days) }}
{%- endmacro %}

{#
  Whether a model is made from nothing, for which dbt's own macro has the configuration and the flag. One that keeps what was
  computed of settled incidents is where the runner has made all incidents current again (`runner/settle_step.py`). So is a view,
  which holds no rows: it may take the place of the table that its model was, which dbt refuses otherwise.
#}
{% macro should_full_refresh() -%}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}{{ return(configured) }}{%- endif -%}
    {%- set is_keeper = config.get('meta', {}).get('keeps') == 'settled_incidents' -%}
    {%- set is_all = is_keeper and env_var('INCIDENT_LEDGER_ALL_INCIDENTS', '') == 'true' -%}
    {{ return(flags.FULL_REFRESH or is_all or config.get('materialized') == 'view') }}
{%- endmacro %}

{#
  The rows of incidents that are not settled and, of the days that are replaced, what the table has of the others: these are
  over for longer than any window of the policy, and so is what was computed of them.
#}
{% macro current_and_settled(current, days) -%}
    {%- set current_events = ref('stg_ledger__current_incident_events') -%}
    {%- set settled_incidents = ref('stg_ledger__settled_incidents') -%}
    {%- if is_incremental() -%}
        {#- By name: after an upgrade a column may stand elsewhere. sqlfluff knows no `adapter`. #}
        {%- set known = adapter.get_columns_in_relation(this) if adapter is defined else [] -%}
        {%- set columns = known | map(attribute='quoted') | join(', ') or '*' %}
    select {{ columns }}
    from {{ current }}
    where detection_date in ({{ days | join(', ') }})

    union all

    select {{ columns }}
    from {{ this }}
    where
        detection_date in ({{ days | join(', ') }})
        and {{ is_settled(current_events) }}
    {%- else -%}
        {%- do no_incident_is_settled(settled_incidents, current_events) %}
    select * from {{ current }}
    {%- endif -%}
{%- endmacro %}

{# Fails where a table that is made from nothing would lack the incidents that are settled. #}
{% macro no_incident_is_settled(settled_incidents, current_events) -%}
    {%- if execute and flags.INTROSPECT and flags.WHICH in ['build', 'run'] and load_cached_relation(settled_incidents) -%}
        {%- set found = run_query(
            'select count(*) as incidents from ' ~ settled_incidents ~ ' where ' ~ is_settled(current_events)
        ).columns[0].values()[0] -%}
        {%- if found > 0 -%}
            {%- do exceptions.raise_compiler_error(
                this ~ ' would be made without ' ~ found ~ ' incidents that are settled. `incident-ledger run --full` makes it with'
                ~ ' them; so does dbt that builds `stg_ledger__current_incident_events` too'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Whether an incident is settled: with a new event it is current again, with all of its events. #}
{% macro is_settled(current_events) -%}
    incident_id not in (select incident_id from {{ current_events }} where event_type = 'detected')
{%- endmacro %}
