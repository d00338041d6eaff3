{% macro minutes_between(start_time, end_time) -%}
    timestamp_diff({{ end_time }}, {{ start_time }}, microsecond) / 60000000
{%- endmacro %}
