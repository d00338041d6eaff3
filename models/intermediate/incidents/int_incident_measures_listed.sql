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

-- A negative interval is kept as said and flagged, and does not count.
final as (

    select
        incident_id,
        detection_date,
        severity_level,
        is_open,
        is_identified,
        measure,
        said_microseconds,
        said_microseconds < 0 as is_anomaly,
        if(said_microseconds >= 0, said_microseconds, null) as counted_microseconds,
        waiting_microseconds,
        coalesce(if(said_microseconds >= 0, said_microseconds, null), waiting_microseconds) as at_least_microseconds
    from listed

)

select * from final
