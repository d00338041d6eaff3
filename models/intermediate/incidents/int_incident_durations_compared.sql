with

durations as (

    select * from {{ ref('int_incident_durations_aggregated') }}

),

pairs as (

    select
        durations.incident_duration_id,
        durations.counted_minutes,
        durations.pending_minutes,
        previous.counted_minutes as previous_counted_minutes,
        previous.pending_minutes as previous_pending_minutes
    from durations
    inner join durations as previous
        on
            durations.period_grain = previous.period_grain
            and durations.previous_period_start = previous.period_start
            and durations.severity_level = previous.severity_level
            and durations.measure = previous.measure

),

observations as (

    {% for minutes, is_later, is_over in [
        ('counted_minutes', 'true', 'true'),
        ('pending_minutes', 'true', 'false'),
        ('previous_counted_minutes', 'false', 'true'),
        ('previous_pending_minutes', 'false', 'false'),
    ] -%}
        select
            pairs.incident_duration_id,
            lasted_minutes,
            {{ is_later }} as is_later,
            {{ is_over }} as is_over
        from pairs
        cross join unnest(pairs.{{ minutes }}) as lasted_minutes
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}

),

observations_by_time as (

    select
        incident_duration_id,
        lasted_minutes,
        count(*) as leaving,
        countif(is_later) as later_leaving,
        countif(is_over) as ended,
        countif(is_over and is_later) as later_ended
    from observations
    group by incident_duration_id, lasted_minutes

),

risks as (

    select
        *,
        sum(leaving) over (partition by incident_duration_id order by lasted_minutes desc) as at_risk,
        sum(later_leaving) over (partition by incident_duration_id order by lasted_minutes desc) as later_at_risk
    from observations_by_time

),

-- Under chance alone, of those that end at a time the later period has its share of those at risk (hypergeometric).
expectations as (

    select
        incident_duration_id,
        sum(later_ended - ended * later_at_risk / at_risk) as excess,
        sum(
            if(
                at_risk > 1,
                ended * (later_at_risk / at_risk) * (1 - later_at_risk / at_risk) * (at_risk - ended) / (at_risk - 1),
                0
            )
        ) as variance
    from risks
    group by incident_duration_id

),

scores as (

    select
        incident_duration_id,
        if(variance > 0, excess / sqrt(variance), null) as score
    from expectations

),

-- More ends than expected: the times of the later period are shorter.
final as (

    select
        incident_duration_id,
        score < 0 as is_longer,
        {{ two_sided_p_value('score') }} as p_value
    from scores

)

select * from final
