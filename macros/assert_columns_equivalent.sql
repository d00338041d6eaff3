{#
  dbt compares a contract with the model's query by two statements before it builds. A run leaves that out: the table is made with
  the contract's columns and types all the same, and the tests compare every contract with what Google's analyzer infers.
#}
{% macro default__get_assert_columns_equivalent(sql) -%}
    {{ return('' if env_var('INCIDENT_LEDGER_AS_OF', '') else assert_columns_equivalent(sql)) }}
{%- endmacro %}
