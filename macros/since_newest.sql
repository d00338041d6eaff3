{#
  The day before the newest row that an incremental model holds, as a literal timestamp: a filter that prunes, here and in
  BigQuery, which a subquery would not. A build that speaks of an earlier time starts from there. Empty table: from the
  beginning, so that a table made without rows (`--empty`) still fills.
#}
{% macro since_newest(column) -%}
    {%- set newest = none -%}
    {%- if execute and is_incremental() -%}
        {%- set found = run_query('select least(max(' ~ column ~ '), ' ~ as_of() ~ ') as t from ' ~ this) -%}
        {%- set newest = found.columns[0].values()[0] -%}
    {%- endif -%}
    {%- if newest -%}
    timestamp '{{ (newest - modules.datetime.timedelta(days=1)).strftime("%Y-%m-%d") }} 00:00:00+00:00'
    {%- else -%}
    timestamp '0001-01-01 00:00:00+00:00'
    {%- endif -%}
{%- endmacro %}
