{#
  The tables of a sink, each with its day: the one that a setting names, without a day, or of a date-sharded sink (`NAME_*`)
  the newest 60 shards. A wildcard would give all of them the columns of the newest, which in the first minutes of a day
  has few. Where nobody may ask it is the name itself.
#}
{% macro sink_tables(sink) -%}
    {%- set tables = [] -%}
    {%- set name = sink.identifier or '' -%}
    {%- if execute and flags.INTROSPECT and name.endswith('_*') -%}
        {%- set shard = modules.re.compile(modules.re.escape(name[:-1]) ~ '\\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01])') -%}
        {%- set names = [] -%}
        {%- for each in adapter.list_relations_without_caching(sink) -%}
            {%- if shard.fullmatch(each.identifier) -%}{%- do names.append(each.identifier) -%}{%- endif -%}
        {%- endfor -%}
        {%- for each in (names | sort)[-60:] -%}
            {%- set day = each[-8:-4] ~ '-' ~ each[-4:-2] ~ '-' ~ each[-2:] -%}
            {%- do tables.append({'relation': sink.incorporate(path={'identifier': each}), 'day': "date '" ~ day ~ "'"}) -%}
        {%- endfor -%}
        {%- if not tables -%}
            {%- do exceptions.raise_compiler_error('There is no table ' ~ sink ~ ' of any day yet: the setting names it.') -%}
        {%- endif -%}
    {%- else -%}
        {%- do tables.append({'relation': sink, 'day': 'cast(null as date)'}) -%}
    {%- endif -%}
    {{ return(tables) }}
{%- endmacro %}

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
