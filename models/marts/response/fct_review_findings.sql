{{ config(materialized='view') }}

with

-- A review that was imported again supersedes the one before; one of before a reopening stays beside the next.
reviews as (

    select
        event_id,
        incident_id,
        occurred_at,
        actor,
        payload
    from {{ ref('int_response_events_sequenced') }}
    where event_type = 'review_completed'

),

improvements as (

    select
        reviews.* except (payload),
        'improvement' as finding_type,
        place as finding_position,
        json_value(improvement, '$.text') as finding,
        json_value(improvement, '$.owner') as finding_owner,
        safe_cast(json_value(improvement, '$.due') as date) as due_date
    from reviews
    cross join unnest(json_query_array(reviews.payload, '$.improvements')) as improvement with offset as place

),

contributing_factors as (

    select
        reviews.* except (payload),
        'contributing_factor' as finding_type,
        place as finding_position,
        factor as finding,
        cast(null as string) as finding_owner,
        cast(null as date) as due_date
    from reviews
    cross join unnest(json_value_array(reviews.payload, '$.contributing_factors')) as factor with offset as place

),

lessons as (

    select
        reviews.* except (payload),
        'lesson' as finding_type,
        place as finding_position,
        lesson as finding,
        cast(null as string) as finding_owner,
        cast(null as date) as due_date
    from reviews
    cross join unnest(json_value_array(reviews.payload, '$.lessons')) as lesson with offset as place

),

unioned as (

    select * from improvements
    union all
    select * from contributing_factors
    union all
    select * from lessons

),

final as (

    select
        {{ surrogate_key(['event_id', 'finding_type', 'finding_position']) }} as review_finding_id,
        incident_id,
        event_id,
        finding_type,
        finding_position,
        finding,
        finding_owner,
        due_date,
        occurred_at as reviewed_at,
        actor as reviewed_by
    from unioned
    where finding is not null

)

select * from final
