{% macro is_counted() -%}
    not is_retracted and merged_into is null
{%- endmacro %}

{% macro is_excluded(measure) -%}
    '{{ measure }}' in unnest(excluded_measures)
{%- endmacro %}

{% macro counted_microseconds(measure) -%}
    if({{ is_excluded(measure) }}, null, {{ measure }}_microseconds)
{%- endmacro %}
