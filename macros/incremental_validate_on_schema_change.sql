{#
  dbt looks for new columns in a copy of the new rows, a table that it makes and drops again. Where the table has the columns of
  its contract already there is nothing to find, and the rows go straight into it.
#}
{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') -%}
    {%- set existing = load_relation(this) -%}
    {%- if on_schema_change == 'append_new_columns' and model.config.contract.enforced and existing is not none -%}
        {%- set found = adapter.get_columns_in_relation(existing) | map(attribute='name') | sort | list -%}
        {{ return('ignore' if found == model.columns.keys() | sort | list else on_schema_change) }}
    {%- endif -%}
    {{ return(on_schema_change or default) }}
{%- endmacro %}
