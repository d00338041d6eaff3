{# The time that a build speaks of, as a literal: the variable `as_of`, else the start of the invocation. #}
{% macro as_of() -%}
    timestamp '{{ var("as_of") or run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f+00:00") }}'
{%- endmacro %}
