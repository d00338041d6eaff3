{%- set measures = ['mttd', 'mtta', 'mttc', 'mttr'] -%}

with

incidents as (

    select * from {{ ref('int_incidents_measured') }}

),

unpivoted as (

    {% for measure in measures %}
        select
            incident_id,
            detection_date,
            severity_level,
            is_open,
            identified_time is not null as is_identified,
            '{{ measure }}' as measure,
            {{ measure }}_microseconds as measured_microseconds,
            {{ is_excluded(measure) }} as is_anomaly,
            {{ counted_microseconds(measure) }} as counted_microseconds,
            {% if measure == 'mttd' -%}
                false
            {%- else -%}
                is_open and {{ measure }}_microseconds is null{{ ' and has_sla' if measure == 'mtta' }}
            {%- endif %} as is_pending,
            detection_time,
            reopened_gap_microseconds
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
        measured_microseconds,
        is_anomaly,
        counted_microseconds,
        is_pending,
        detection_time,
        reopened_gap_microseconds
    from unpivoted

)

select * from final
