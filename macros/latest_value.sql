{# The value that the latest event gave which gave one. #}
{% macro latest_value(column, event_order='event_order') -%}
    any_value({{ column }} having max if({{ column }} is not null, {{ event_order }}, null))
{%- endmacro %}

{# The value that the first event gave which gave one. #}
{% macro first_value(column, event_order='event_order') -%}
    any_value({{ column }} having min if({{ column }} is not null, {{ event_order }}, null))
{%- endmacro %}
