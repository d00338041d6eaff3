{#
  The checks that the incremental model does not have yet, from the day before its newest. Checks never change: without a
  unique key its merge only inserts, and reads nothing of the table. Many days at once go in slices.
#}
{% macro new_checks(checks, key, known_key) -%}
    {%- set is_of_slice = times_in_slices(checks, 'checked_at') | trim -%}
    select checks.*
    from (select * from {{ checks }} where {{ is_of_slice }}) as checks
    {% if is_incremental() -%}
        left join (select distinct {{ known_key }} from {{ this }} where {{ is_of_slice }}) as known
            on checks.{{ key }} = known.{{ known_key }}
        where known.{{ known_key }} is null
    {%- endif %}
{%- endmacro %}

{#
  The condition of the rows that a table that only adds may lack: from the day before its newest on, whose days come in order. Where it
  has nothing of the last week (it is made from nothing, or such a build died between two slices) the days are counted, and the condition
  is that of the first slice; the model's hook takes the others (`replace_further_slices`).
#}
{% macro times_in_slices(rows, time_column) -%}
    {%- set newest_time = 'least(max(' ~ time_column ~ '), ' ~ as_of() ~ ')' -%}
    {%- set last_week = time_column ~ ' >= timestamp_sub(' ~ as_of() ~ ', interval 7 day)' -%}
    {%- set of_last_week = newest(newest_time, last_week, is_recent=true) -%}
    {%- set since = day_before(of_last_week or newest(newest_time, 'true', is_recent=true)) | trim -%}
    {%- set slices = [[]] -%}
    {%- if is_building() and not of_last_week -%}
        {%- set slices = days_in_slices(run_query(
            'select date(' ~ time_column ~ ') as row_day, count(*) as records from ' ~ rows ~ ' where ' ~ time_column ~ ' >= ' ~ since
            ~ ' group by row_day order by row_day'
        ).rows, records_at_once()) -%}
    {%- endif -%}
    {%- set spans = [] -%}
    {%- for slice in slices -%}
        {%- set span = [time_column ~ ' >= ' ~ (since if loop.first else 'timestamp(' ~ slice[0] ~ ')')] -%}
        {%- if not loop.last -%}
            {%- do span.append(time_column ~ ' < timestamp(' ~ slices[loop.index][0] ~ ')') -%}
        {%- endif -%}
        {%- do spans.append(span) -%}
    {%- endfor -%}
    {%- do set_slices(spans) -%}
    {{- spans[0] | join(' and ') -}}
{%- endmacro %}
