{# Fails for values of `columns` that stand in more than one row, null being a value like any other. #}
{% test unique_combination_of_columns(model, columns) %}

with

doubled as (
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
)

select * from doubled

{% endtest %}
