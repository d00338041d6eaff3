{#
  The days whose usage was loaded since the table was built, as literal dates: what an incremental build reads and replaces.
  A day is built when its rows reflect all its loads; the number of loads says so whatever their times, and in whatever order
  they were loaded. Without a new day: one that no usage has, so that nothing is read and nothing replaced.

  dbt fixes a model's configuration when it parses, before anything can be asked. The list `partitions` of the configuration
  is therefore filled here, when the model compiles and before its materialization reads it.
#}
{% macro usage_days_to_replace() -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- if execute and flags.INTROSPECT and is_incremental() -%}
        {%- set found = run_query(usage_days_query()) -%}
        {%- for day in found.columns[0].values() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {%- set configured = config.get('partitions') if execute -%}
    {%- if configured -%}
        {%- do configured.clear() -%}
        {%- do configured.extend(days) -%}
    {%- endif -%}
    {{ return(days) }}
{%- endmacro %}

{# Days by number of loads, against the number that the table's rows reflect. Reads no usage record. #}
{% macro usage_days_query() -%}
    select loads.usage_date
    from (
        select usage_date, count(*) as load_count
        from {{ ref('stg_usage__loads') }}
        where source != 'cursor_spend'
        group by usage_date
    ) as loads
    left join (select usage_date, max(load_count) as load_count from {{ this }} group by usage_date) as built
        on loads.usage_date = built.usage_date
    where loads.load_count != coalesce(built.load_count, 0)
    order by loads.usage_date
{%- endmacro %}

{# The newest day of each report at the time of the build, as literal dates. Reads no usage record. #}
{% macro usage_newest_days() -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- if execute and flags.INTROSPECT -%}
        {%- set found = run_query(
            'select distinct newest from (select source, max(usage_date) as newest from ' ~ ref('stg_usage__loads')
            ~ ' where records > 0 and usage_date <= date(' ~ as_of() ~ ') group by source) order by newest'
        ) -%}
        {%- for day in found.columns[0].values() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {{ return(days) }}
{%- endmacro %}
