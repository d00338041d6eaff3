{#
  The names of the columns of a sink's table, those of records too, in lower case. A sink adds a column with the first entry
  that has it. Empty where nobody may ask: then all are there.
#}
{% macro sink_columns(relation) -%}
    {%- set names = [] -%}
    {%- if execute and flags.INTROSPECT and relation.identifier -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- for each in [column] + column.flatten() -%}{%- do names.append(each.name | lower) -%}{%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{#  A field of a sink as a text; null where the sink has no such column yet. #}
{% macro sink_field(name, columns) -%}
    {{ 'safe_cast(' ~ name ~ ' as string)' if not columns or name | lower in columns else 'cast(null as string)' }}
{%- endmacro %}
