{%- set measures = ['mttd', 'mtta', 'mttc', 'mttr'] -%}

with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

listed as (

    {% for measure in measures %}
        select
            incident_id,
            detection_date,
            severity_level,
            is_open,
            identified_time is not null as is_identified,
            '{{ measure }}' as measure,
            {{ measure }}_microseconds as said_microseconds,
            {{ is_left_out(measure) }} as is_anomaly,
            {{ counted_microseconds(measure) }} as counted_microseconds,
            {% if measure == 'mttd' -%}
                cast(null as int64) as waiting_microseconds
            {%- else -%}
                if({{ measure }}_microseconds is null, age_microseconds, null) as waiting_microseconds
            {%- endif %}
        from incidents
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

),

final as (

    select
        incident_id,
        detection_date,
        severity_level,
        is_open,
        is_identified,
        measure,
        said_microseconds,
        is_anomaly,
        counted_microseconds,
        waiting_microseconds,
        coalesce(counted_microseconds, waiting_microseconds) as at_least_microseconds
    from listed

)

select * from final
