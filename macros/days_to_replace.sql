{#
  The list `partitions` of a model's configuration, which its insert_overwrite replaces: dbt fixes it when it parses, before
  anything can be asked, so that it is filled when the model compiles and before its materialization reads it.
#}
{% macro set_partitions(days) -%}
    {%- set configured = config.get('partitions') if execute -%}
    {%- if configured -%}
        {%- do configured.clear() -%}
        {%- do configured.extend(days) -%}
    {%- endif -%}
{%- endmacro %}

{#
  Days in slices: as many in a row as have no more records than one statement may read; a day that has more by itself is a slice
  of its own. At least one slice, which may be empty. `days` are rows of a day and its records, in order.
#}
{% macro days_in_slices(days, most_records) -%}
    {%- set slices, room = [[]], namespace(records=0) -%}
    {%- for row in days -%}
        {%- if slices[-1] and room.records + row[1] > most_records -%}
            {%- do slices.append([]) -%}
            {%- set room.records = 0 -%}
        {%- endif -%}
        {%- set room.records = room.records + row[1] -%}
        {%- do slices[-1].append("date '" ~ row[0] ~ "'") -%}
    {%- endfor -%}
    {{ return(slices) }}
{%- endmacro %}

{#
  A model's slices, in the list `slices` of its `meta`, as `set_partitions` has its days: the first stands in the model's own
  statement, the others are left to `replace_further_slices`. A slice is a list of days or, of a model with a `slice_key`, of
  the comparisons that its rows meet.
#}
{% macro set_slices(slices) -%}
    {%- set kept = config.get('meta', {}).get('slices') if execute else none -%}
    {%- if kept is not none -%}
        {%- do kept.clear() -%}
        {%- do kept.extend(slices) -%}
    {%- endif -%}
{%- endmacro %}

{#
  The hook of a model whose own statement made the first slice of its days: the others in order, each by one MERGE, which may be
  sent twice. It replaces the days of the slice or, of a model that only adds, the rows with a key that is there (`slice_key`).
  A build that dies in between leaves them to the next one, which finds that the table lacks them.
#}
{% macro replace_further_slices() -%}
    {%- set meta = config.get('meta', {}) if execute else {} -%}
    {%- set slices, key = meta.get('slices', []), meta.get('slice_key') -%}
    {%- set between = ' and ' if key else ', ' -%}
    {%- if slices | length > 1 -%}
        {%- set partition_by = adapter.parse_partition_by(config.get('partition_by')) -%}
        {%- set columns = adapter.get_columns_in_relation(this) -%}
        {%- for slice in slices[1:] -%}
            {%- set query = model.compiled_code | replace(slices[0] | join(between), slice | join(between)) -%}
            {%- if key -%}
                {%- set of_slice = [] -%}
                {%- for comparison in slice -%}{%- do of_slice.append('DBT_INTERNAL_DEST.' ~ comparison) -%}{%- endfor -%}
                {%- do run_query(get_merge_sql(this, '(' ~ query ~ ')', key, columns, of_slice)) -%}
            {%- else -%}
                {%- do run_query(
                    bq_static_insert_overwrite_sql(this, this, query, partition_by, slice, columns, false, false)
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# Whether a model's own statement is compiled to be sent, and not to be shown, nor for a test of it. #}
{% macro is_building() -%}
    {{ return(execute and flags.INTROSPECT and flags.WHICH in ['build', 'run'] and model.resource_type == 'model') }}
{%- endmacro %}

{#
  How many records one statement reads, so that it bills less than `maximum_bytes_billed`: at 16 KiB a record, which is some
  2 KiB in each of the views that read it.
#}
{% macro records_at_once() -%}
    {{ return((target.maximum_bytes_billed or 107374182400) // 16384) }}
{%- endmacro %}

{#
  The days from three before the newest of the table to the as-of time, as literal dates in order: what an incremental build of
  logs reads and replaces, since entries come late. At most 40 days, and so many at first.
#}
{% macro log_days_to_replace(day_column) -%}
    {{ return(days_since_newest(day_column, 3, 40)) }}
{%- endmacro %}

{#
  The entries of a log on the days that are replaced, or of the last 40 days where all are; none of after the as-of time. Of a
  date-sharded sink by its days too, which are constants beside each of its tables: others are not read.
#}
{% macro log_entries_of(staged_log, days) -%}
    {%- set first_day = days[1] if days | length > 1 else "date '9999-12-31'" -%}
    select * from {{ staged_log }}
    where
        logged_at <= {{ as_of() }}
        {% if is_incremental() -%}
            and logged_at >= timestamp({{ first_day }})
            and coalesce(shard_day, {{ first_day }}) >= {{ first_day }}
        {%- else -%}
            and logged_at >= timestamp_sub({{ as_of() }}, interval 960 hour)
            and coalesce(shard_day, date({{ as_of() }})) >= date_sub(date({{ as_of() }}), interval 40 day)
        {%- endif %}
        and coalesce(shard_day, date({{ as_of() }})) <= date({{ as_of() }})
{%- endmacro %}

{#
  The days from the one before the newest of the table to the as-of time, as literal dates in order: what an incremental build
  reads and replaces, its last day was not over. At most the 180 days that BigQuery keeps jobs for.
#}
{% macro job_days_to_replace() -%}
    {{ return(days_since_newest('job_day', 1, 180)) }}
{%- endmacro %}

{#  The days from so many before the newest of the table, at most so many before the as-of time, as `set_partitions` has them. #}
{% macro days_since_newest(day_column, days_before, most_days) -%}
    {%- set today = 'date(' ~ as_of() ~ ')' -%}
    {%- set oldest = 'date_sub(' ~ today ~ ', interval ' ~ most_days ~ ' day)' -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- if execute and flags.INTROSPECT and is_incremental() -%}
        {%- set newest_day = 'select max(' ~ day_column ~ ') from ' ~ this ~ ' where ' ~ day_column
            ~ ' between ' ~ oldest ~ ' and ' ~ today -%}
        {%- set found = run_query(
            'select ' ~ day_column ~ ' from unnest(generate_date_array(coalesce(date_sub((' ~ newest_day ~ '), interval '
            ~ days_before ~ ' day), ' ~ oldest ~ '), ' ~ today ~ ')) as ' ~ day_column ~ ' order by ' ~ day_column
        ) -%}
        {%- for day in found.columns[0].values() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {%- do set_partitions(days) -%}
    {{ return(days) }}
{%- endmacro %}
