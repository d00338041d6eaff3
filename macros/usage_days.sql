{#
  The days whose usage was loaded since the table was built, as literal dates in order: what an incremental build reads and
  replaces. The first is one that no usage has: without another nothing is read and nothing replaced.
#}
{% macro usage_days_to_replace() -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- if execute and flags.INTROSPECT and is_incremental() -%}
        {%- for day in usage_days_changed() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {%- do set_partitions(days) -%}
    {{ return(days) }}
{%- endmacro %}

{# When the first load of these days can have been recorded, as a literal: none is recorded before its day. #}
{% macro usage_recorded_since(days) -%}
    timestamp({{ days[1] if days | length > 1 else "date '9999-12-31'" }})
{%- endmacro %}

{#
  The days, in order, whose number of loads is not the one that the table's rows reflect: whatever the times of the loads, and
  in whatever order they came. Asked for the days alone that a load was recorded for since a day before the last build that
  replaced one (a load and a build may be under way at once). Reads no usage record.
#}
{% macro usage_days_changed() -%}
    {%- set built_at = newest('max(built_at)', 'usage_date >= date_sub(date(' ~ as_of() ~ '), interval 7 day)') -%}
    {%- set touched = run_query(
        'select distinct usage_date from ' ~ ref('stg_ledger__usage_loads') ~ " where source != 'cursor_spend' and recorded_at >= "
        ~ day_before(built_at) ~ ' order by usage_date'
    ).columns[0].values() -%}
    {{ return(run_query(usage_days_query(touched)).columns[0].values() if touched else []) }}
{%- endmacro %}

{% macro usage_days_query(touched) -%}
    {%- set days = "date '" ~ touched | join("', date '") ~ "'" -%}
    select loads.usage_date
    from (
        select
            usage_date,
            count(distinct load_id) as load_count
        from {{ ref('stg_ledger__usage_loads') }}
        where
            source != 'cursor_spend'
            and usage_date in ({{ days }})
            and recorded_at >= timestamp '{{ touched | first }} 00:00:00+00:00'
        group by usage_date
    ) as loads
    left join (
        select
            usage_date,
            max(load_count) as load_count
        from {{ this }}
        where usage_date in ({{ days }})
        group by usage_date
    ) as built
        on loads.usage_date = built.usage_date
    where loads.load_count != coalesce(built.load_count, 0)
    order by loads.usage_date
{%- endmacro %}

{#
  From when on loads may bring something of a report that the table does not have yet, as a literal; a build as of an earlier
  time than the last one asks all loads.
#}
{% macro usage_loads_since() -%}
    {{ return(day_before(newest('if(max(as_of) <= ' ~ as_of() ~ ', least(max(as_of), max(built_at)), null)', 'true'))) }}
{%- endmacro %}

{# The newest day of each report at the time of the build, as literal dates: of these loads, or known before. Reads no usage record. #}
{% macro usage_newest_days(loads_since) -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- set newest_days -%}
        select
            source,
            max(usage_date) as usage_date
        from (
            select source, usage_date
            from {{ ref('stg_ledger__usage_loads') }}
            where records > 0 and recorded_at >= {{ loads_since }}
            {% if is_incremental() -%}
                union all
                select source, last_usage_date as usage_date
                from {{ this }}
            {%- endif %}
        ) as known
        where usage_date <= date({{ as_of() }})
        group by source
    {%- endset -%}
    {#- There is nothing to ask where nothing was built yet, as for `dbt docs generate`. -#}
    {%- if execute and flags.INTROSPECT and load_cached_relation(ref('stg_ledger__usage_loads')) -%}
        {%- set found = run_query('select distinct usage_date from (' ~ newest_days ~ ') as reports order by usage_date') -%}
        {%- for day in found.columns[0].values() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {{ return(days) }}
{%- endmacro %}
