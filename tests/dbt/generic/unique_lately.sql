{#
  The key is there and unique among the rows of the last days before the time that the build speaks of. For tables that only
  grow: older rows were tested when they were new, and reading them again each time would cost more every day.
#}
{% test unique_lately(model, column_name, time_column, days=2) %}

with

lately as (

    select {{ column_name }} as key_value
    from {{ model }}
    where
        {{ time_column }} >= timestamp_sub({{ as_of() }}, interval {{ days }} day)

)

select
    key_value,
    count(*) as row_count
from lately
group by key_value
having key_value is null or count(*) > 1

{% endtest %}
