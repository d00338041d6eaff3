{#
  The key is there and unique among the rows of the last days before the as-of time of the build. For tables that only
  grow: older rows were tested when they were new, and reading them again each time would cost more every day. A table by
  day of usage names its `day_column` in place of a `time_column`.
#}
{% test unique_in_recent_days(model, column_name, time_column=none, day_column=none, days=2) %}

with

lately as (

    select {{ column_name }} as key_value
    from {{ model }}
    where
        {% if day_column -%}
            {{ day_column }} >= date_sub(date({{ as_of() }}), interval {{ days }} day)
        {%- else -%}
            {{ time_column }} >= timestamp_sub({{ as_of() }}, interval {{ days }} day)
        {%- endif %}

)

select
    key_value,
    count(*) as row_count
from lately
group by key_value
having key_value is null or count(*) > 1

{% endtest %}
