{#
  The newest of a column of this model's own table, by what `lately` gives and, only when that gives nothing, by all of it:
  a filter that prunes, so that a long history costs a daily build nothing. Null before there is a table, and with `is_recent`
  where `lately` gives nothing.
#}
{% macro newest(expression, lately, is_recent=false) -%}
    {%- set found = namespace(value=none) -%}
    {%- if execute and flags.INTROSPECT and is_incremental() -%}
        {%- for condition in ([lately] if is_recent else [lately, 'true']) -%}
            {%- if found.value is none -%}
                {%- set rows = run_query('select ' ~ expression ~ ' as newest from ' ~ this ~ ' where ' ~ condition) -%}
                {%- set found.value = rows.columns[0].values()[0] -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found.value) }}
{%- endmacro %}

{#
  A day (or `days`) before the newest row of an incremental model, as a literal: a filter that prunes, here and in BigQuery,
  which a subquery would not. A build as of an earlier time starts from there.
#}
{% macro since_newest(column, days=1) -%}
    {%- set lately = column ~ ' >= timestamp_sub(' ~ as_of() ~ ', interval 7 day)' -%}
    {{ return(day_before(newest('least(max(' ~ column ~ '), ' ~ as_of() ~ ')', lately), days)) }}
{%- endmacro %}

{#
  A day (or `days`) before a time that a query gave, from its midnight, as a literal. Of none: the beginning, so that a table made without
  rows (`--empty`) still fills.
#}
{% macro day_before(time, days=1) -%}
    {%- if time -%}
    timestamp '{{ (time - modules.datetime.timedelta(days=days)).strftime("%Y-%m-%d") }} 00:00:00+00:00'
    {%- else -%}
    timestamp '0001-01-01 00:00:00+00:00'
    {%- endif -%}
{%- endmacro %}
