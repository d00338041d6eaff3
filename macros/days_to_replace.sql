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
  The days from the one before the newest of the table to the as-of time, as literal dates in order: what an incremental build
  reads and replaces, its last day was not over. At most the 180 days that BigQuery keeps jobs for.
#}
{% macro job_days_to_replace() -%}
    {%- set today = 'date(' ~ as_of() ~ ')' -%}
    {%- set oldest = 'date_sub(' ~ today ~ ', interval 180 day)' -%}
    {%- set days = ["date '1970-01-01'"] -%}
    {%- if execute and flags.INTROSPECT and is_incremental() -%}
        {%- set newest_day = 'select max(job_day) from ' ~ this ~ ' where job_day between ' ~ oldest ~ ' and ' ~ today -%}
        {%- set found = run_query(
            'select job_day from unnest(generate_date_array(coalesce(date_sub((' ~ newest_day ~ '), interval 1 day), '
            ~ oldest ~ '), ' ~ today ~ ')) as job_day order by job_day'
        ) -%}
        {%- for day in found.columns[0].values() -%}{%- do days.append("date '" ~ day ~ "'") -%}{%- endfor -%}
    {%- endif -%}
    {%- do set_partitions(days) -%}
    {{ return(days) }}
{%- endmacro %}
