{#
  Of the rows of a policy table for one thing, the newest: a condition to qualify by, among those valid at the time that
  the query filters for. An empty `valid_from` is always.
#}
{% macro is_newest_valid(partition_by, valid_from='valid_from') -%}
    row_number() over (
        partition by {{ partition_by | join(', ') }}
        order by coalesce({{ valid_from }}, timestamp '0001-01-01 00:00:00+00:00') desc
    ) = 1
{%- endmacro %}

{# The limits of these names that are valid at the as-of time, each a column. #}
{% macro valid_limits(runtime_limits, limit_names) -%}
    select
        {% for name in limit_names -%}
            max(if(limit_name = '{{ name }}', value, null)) as {{ name }}{{ ',' if not loop.last }}
        {% endfor -%}
    from (
        select *
        from {{ runtime_limits }}
        where coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
        qualify {{ is_newest_valid(['limit_name']) }}
    )
{%- endmacro %}

{# The rule of a classification that is valid at the as-of time. #}
{% macro valid_rule(classification_rules, rule_id) -%}
    select *
    from {{ classification_rules }}
    where
        rule_id = '{{ rule_id }}'
        and coalesce(valid_from, timestamp '0001-01-01 00:00:00+00') <= {{ as_of() }}
    qualify {{ is_newest_valid(['rule_id']) }}
{%- endmacro %}
