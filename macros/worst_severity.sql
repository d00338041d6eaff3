{# The worst of several severities, by their rank; `severity_rank` stands beside the level. Null when there is none. #}
{% macro worst_severity(level, rank='severity_rank') -%}
    any_value({{ level }} having min if({{ level }} is not null, {{ rank }}, null))
{%- endmacro %}
