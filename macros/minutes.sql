{# Whole microseconds as minutes, FLOAT64: the one division, after everything has been added up in INT64. #}
{% macro minutes(microseconds) -%}
    ({{ microseconds }}) / 60000000
{%- endmacro %}
