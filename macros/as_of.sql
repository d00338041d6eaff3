{#
  The time that a build speaks of, as a literal: the variable `as_of`, else what the runner sets, else the start of the
  invocation. The runner uses the environment because another `--vars` makes dbt parse the whole project again.
#}
{% macro as_of() -%}
    timestamp '{{ var("as_of") or env_var("INCIDENT_LEDGER_AS_OF", "") or run_started_at }}'
{%- endmacro %}

{#
  When this invocation of dbt began, by the clock, as a literal: for the one question what was written since. What a fact
  says never depends on it.
#}
{% macro built_at() -%}
    timestamp '{{ run_started_at }}'
{%- endmacro %}
