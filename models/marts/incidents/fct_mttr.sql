{#- A view over what is kept of each incident; its one clock is a row of `int_build_time`. -#}
{{ config(materialized='view') }}
{%- set measures = ['mttd', 'mtta', 'mttc', 'mttr'] -%}

with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

build_time as (

    select * from {{ ref('int_build_time') }}

),

aged as (

    select
        incidents.*,
        build_time.as_of,
        {{ age_microseconds('build_time.as_of') }} as age_microseconds
    from incidents
    cross join build_time

),

final as (

    select
        {{ surrogate_key(['detection_date', 'severity_level', 'component', 'root_cause_category', 'detected_by']) }}
            as mttr_id,
        detection_date,
        severity_level,
        component,
        root_cause_category,
        detected_by,
        count(*) as incidents,
        countif(is_open) as open_incidents,
        countif(status = 'resolved') as resolved_incidents,
        sum(reopen_count) as reopenings,
        {% for measure in measures -%}
            count({{ counted_microseconds(measure) }}) as {{ measure }}_counted_incidents,
            countif({{ is_excluded(measure) }}) as {{ measure }}_excluded_incidents,
            {{ minutes('sum(coalesce(' ~ counted_microseconds(measure) ~ ', 0))') }}
                as {{ measure }}_total_minutes,
        {% endfor -%}
        countif(array_length(excluded_measures) > 0) as anomalous_incidents,
        {{ minutes('sum(coalesce(age_microseconds, 0))') }} as open_age_total_minutes,
        array_agg(
            {{ minutes(counted_microseconds('mttr')) }} ignore nulls
            order by mttr_microseconds, incident_id
        ) as mttr_minutes,
        array_agg({{ minutes('age_microseconds') }} ignore nulls order by age_microseconds, incident_id)
            as open_age_minutes,
        max(as_of) as as_of
    from aged
    group by detection_date, severity_level, component, root_cause_category, detected_by

)

select * from final
