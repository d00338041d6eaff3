{# First day of the period that a date is in. Weeks begin on Monday, written out: `date_trunc` by week(monday) is not the same on every engine. #}
{% macro period_start(day, grain) -%}
    {%- if grain == 'week' -%}
    cast(date_sub({{ day }}, interval mod(extract(dayofweek from {{ day }}) + 5, 7) day) as date)
    {%- else -%}
    cast(date_trunc({{ day }}, {{ grain }}) as date)
    {%- endif -%}
{%- endmacro %}
