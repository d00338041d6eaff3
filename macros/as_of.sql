{#
  The as-of time of a build, as a literal: the variable `as_of`, else what the runner sets, else the start of the
  invocation. The runner uses the environment because another `--vars` makes dbt parse the whole project again.
#}
{% macro as_of() -%}
    timestamp '{{ var("as_of") or env_var("INCIDENT_LEDGER_AS_OF", "") or run_started_at }}'
{%- endmacro %}

{#
  How old an open incident is at a time, in microseconds, without the times in which it was resolved; null when it is over, or
  was detected later.
#}
{% macro age_microseconds(at) -%}
    if(
        is_open and detection_time <= {{ at }},
        greatest(timestamp_diff({{ at }}, detection_time, microsecond) - reopened_gap_microseconds, 0),
        null
    )
{%- endmacro %}

{#
  When this invocation of dbt began, by the clock, as a literal: for the one question what was written since. No fact
  depends on it.
#}
{% macro built_at() -%}
    timestamp '{{ run_started_at }}'
{%- endmacro %}
