with

durations as (

    select * from {{ ref('int_incident_durations_aggregated') }}

),

-- What is open has lasted for its age, and will last longer.
observations as (

    select
        durations.incident_duration_id,
        lasted_minutes,
        true as is_over
    from durations
    cross join unnest(durations.counted_minutes) as lasted_minutes

    union all

    select
        durations.incident_duration_id,
        lasted_minutes,
        false as is_over
    from durations
    cross join unnest(durations.pending_minutes) as lasted_minutes

),

observations_by_time as (

    select
        incident_duration_id,
        lasted_minutes,
        count(*) as leaving,
        countif(is_over) as ended
    from observations
    group by incident_duration_id, lasted_minutes

),

-- What is open at the very time that another ended had lasted as long: it was at risk.
risks as (

    select
        *,
        sum(leaving) over (partition by incident_duration_id order by lasted_minutes desc) as at_risk
    from observations_by_time

),

survivals as (

    select
        incident_duration_id,
        lasted_minutes,
        if(
            ended = at_risk,
            0,
            exp(
                sum(if(ended = at_risk, 0, ln(1 - ended / at_risk)))
                    over (partition by incident_duration_id order by lasted_minutes)
            )
        ) as survival
    from risks

),

-- A half that came out of logarithms is a half within a billionth.
final as (

    select
        incident_duration_id,
        min(if(survival <= 0.5 + 1e-9, lasted_minutes, null)) as survival_median_minutes
    from survivals
    group by incident_duration_id

)

select * from final
