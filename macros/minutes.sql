{% macro minutes(microseconds) -%}
    ({{ microseconds }}) / 60000000
{%- endmacro %}
