{% macro worst_severity(level, rank='severity_rank') -%}
    any_value({{ level }} having min if({{ level }} is not null, {{ rank }}, null))
{%- endmacro %}
