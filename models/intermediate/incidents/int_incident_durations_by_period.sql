{%- set grains = ['week', 'month', 'quarter', 'year'] -%}

with

measures as (

    select * from {{ ref('int_incident_durations_unpivoted') }}

),

periods as (

    {% for grain in grains -%}
        select
            '{{ grain }}' as period_grain,
            {{ period_start('detection_date', grain) }} as period_start,
            measures.*
        from measures

        union all

    {% endfor -%}
    select
        'all' as period_grain,
        cast(null as date) as period_start,
        measures.*
    from measures

),

-- Each incident once under its severity and once under all.
final as (

    select
        period_grain,
        period_start,
        severity_level,
        incident_id,
        is_open,
        is_identified,
        measure,
        is_anomaly,
        counted_microseconds,
        is_pending,
        detection_time,
        reopened_gap_microseconds
    from periods

    union all

    select
        period_grain,
        period_start,
        'all' as severity_level,
        incident_id,
        is_open,
        is_identified,
        measure,
        is_anomaly,
        counted_microseconds,
        is_pending,
        detection_time,
        reopened_gap_microseconds
    from periods

)

select * from final
