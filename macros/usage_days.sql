{#
  The days whose usage was loaded since the table was built, all of them where it is made from nothing, as literal dates in order:
  what a build reads and replaces. Of so many that one statement would bill more than it may, the first slice: the model's hook
  takes the others (`replace_further_slices`). The first is a day that no usage has: without another nothing is read. None, for all
  days, where nothing is built.
#}
{% macro usage_days_to_replace() -%}
    {%- set slices = [[]] -%}
    {%- if execute and flags.INTROSPECT and (is_building() or is_incremental()) -%}
        {%- set changed = usage_days_changed() if is_incremental() else usage_days_loaded() -%}
        {%- set slices = days_in_slices(changed, records_at_once()) -%}
    {%- endif -%}
    {%- set days = ["date '1970-01-01'"] + slices[0] -%}
    {%- do set_partitions(days) -%}
    {%- do set_slices([days] + slices[1:]) -%}
    {{ return(days if is_building() or is_incremental() else []) }}
{%- endmacro %}

{# When the first load of these days can have been recorded, as a literal: none is recorded before its day. #}
{% macro usage_recorded_since(days) -%}
    timestamp({{ days[1] if days | length > 1 else "date '9999-12-31'" }})
{%- endmacro %}

{#
  The days, in order and with their records, whose number of loads is not the one that the table's rows reflect: whatever the
  times of the loads, and in whatever order they came. Asked for the days alone that a load was recorded for since eight days
  before the last build that replaced a day of the last week: a load and a build may be under way at once, and a build that died
  between two slices left days that were loaded before it. Where the table has no day of the last week, such a build may have left
  them, and all loads are asked. Reads no usage record.
#}
{% macro usage_days_changed() -%}
    {%- set last_week = 'usage_date >= date_sub(date(' ~ as_of() ~ '), interval 7 day)' -%}
    {%- set built_at = newest('max(built_at)', last_week, is_recent=true) -%}
    {%- set touched = run_query(
        'select distinct usage_date from ' ~ ref('stg_ledger__usage_loads') ~ " where source != 'cursor_spend' and recorded_at >= "
        ~ day_before(built_at, days=8) ~ ' order by usage_date'
    ).columns[0].values() -%}
    {{ return(run_query(usage_days_query(touched)).rows if touched else []) }}
{%- endmacro %}

{# All days of which usage was loaded, in order, with their records; none where the loads are not there yet. #}
{% macro usage_days_loaded() -%}
    {%- set loads = ref('stg_ledger__usage_loads') -%}
    {{ return(run_query(usage_records_query(loads, "source != 'cursor_spend'") ~ ' order by usage_date').rows) }}
{%- endmacro %}

{%- macro usage_records_query(loads, condition) -%}
    select usage_date, sum(records) as records from {{ loads }} where {{ condition }} group by usage_date
{%- endmacro %}

{% macro usage_days_query(touched) -%}
    {%- set days = "date '" ~ touched | join("', date '") ~ "'" -%}
    select
        loads.usage_date,
        loads.records
    from (
        select
            usage_date,
            sum(records) as records,
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
