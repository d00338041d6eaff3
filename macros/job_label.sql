{# A label of a job by its name, of the column `labels` of INFORMATION_SCHEMA.JOBS; null where it has none. #}
{% macro job_label(name) -%}
    (
        select label.value
        from unnest(labels) as label
        where label.key = '{{ name }}'
    )
{%- endmacro %}
