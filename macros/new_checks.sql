{#
  The checks that the incremental model does not have yet, from the day before its newest. Checks never change: without a
  unique key its merge only inserts, and reads nothing of the table.
#}
{% macro new_checks(checks, key, known_key) -%}
    {%- set since = since_newest('checked_at') -%}
    select checks.*
    from {{ checks }} as checks
    {% if is_incremental() -%}
        left join (select distinct {{ known_key }} from {{ this }} where checked_at >= {{ since }}) as known
            on checks.{{ key }} = known.{{ known_key }}
    {%- endif %}
    where checks.checked_at >= {{ since }} {{ 'and known.' ~ known_key ~ ' is null' if is_incremental() }}
{%- endmacro %}
