{# Whether a measure of an incident is excluded from sums and averages: `excluded_measures` names it. #}
{% macro is_excluded(measure) -%}
    '{{ measure }}' in unnest(excluded_measures)
{%- endmacro %}

{# The microseconds of an interval where it counts; null when it is unknown or excluded. #}
{% macro counted_microseconds(measure) -%}
    if({{ is_excluded(measure) }}, null, {{ measure }}_microseconds)
{%- endmacro %}
