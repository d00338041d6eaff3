-- One row per component and hour of the last 24 in which it was looked at: its score, as far as its incidents allow.
with

measurements as (

    select * from {{ ref('fct_system_health') }}
    where measured_at <= @as_of and measured_at > timestamp_sub(@as_of, interval 24 hour)

),

incidents as (

    select * from {{ ref('incident_state') }}
    where is_open and {{ is_counted() }} and detection_time <= @as_of

),

severities as (

    select * from {{ ref('dim_severities') }}

),

ranks as (

    select
        incidents.component,
        incidents.detection_time,
        100 * severities.severity_rank / count(*) over (partition by incidents.incident_id) as rank_score,
        severities.severity_level,
        incidents.severity_level as open_severity_level
    from incidents
    cross join severities

),

-- As in the health score: 0 for P0, and 25 more for each rank below it.
open_scores as (

    select
        component,
        detection_time,
        rank_score
    from ranks
    where severity_level = open_severity_level

),

hours as (

    select
        component,
        part,
        timestamp_trunc(measured_at, hour) as hour_at,
        count(*) as times,
        avg(score) as part_score
    from measurements
    group by component, part, hour_at

),

final as (

    select
        hours.component,
        hours.part,
        hours.hour_at,
        hours.times,
        hours.part_score,
        min(open_scores.rank_score) as incident_score,
        least(hours.part_score, coalesce(min(open_scores.rank_score), 100)) as score
    from hours
    left join open_scores
        on
            hours.component = open_scores.component
            and open_scores.detection_time < timestamp_add(hours.hour_at, interval 1 hour)
    group by hours.component, hours.part, hours.hour_at, hours.times, hours.part_score

)

select * from final
order by hour_at desc, score asc, component asc, part asc
