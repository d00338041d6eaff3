{% macro latest_value(column, event_order='event_order') -%}
    any_value({{ column }} having max if({{ column }} is not null, {{ event_order }}, null))
{%- endmacro %}

{% macro first_value(column, event_order='event_order') -%}
    any_value({{ column }} having min if({{ column }} is not null, {{ event_order }}, null))
{%- endmacro %}
