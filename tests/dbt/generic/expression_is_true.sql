{# Fails for a row for which an expression is false. A null is neither: ask `is not null` where it may not be. #}
{% test expression_is_true(model, expression) %}

with

broken as (
    select 1 as is_broken
    from {{ model }}
    where not ({{ expression }})
)

select * from broken

{% endtest %}
