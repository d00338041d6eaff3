{# Whether an interval is left out of sums and averages: `time_anomalies` names it. No name is a part of another. #}
{% macro is_left_out(measure) -%}
    strpos(time_anomalies, '{{ measure }}') > 0
{%- endmacro %}

{# The microseconds of an interval where it counts; null when it is unknown or left out. #}
{% macro counted_microseconds(measure) -%}
    if({{ is_left_out(measure) }}, null, {{ measure }}_microseconds)
{%- endmacro %}
