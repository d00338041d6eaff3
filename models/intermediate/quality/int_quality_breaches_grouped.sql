with

observations as (

    select * from {{ ref('int_quality_checks_unioned') }}

),

-- A breach of a batch: its bad checks without a clean one between them. Of two at one time the bad one is last.
numbered as (

    select
        *,
        count(if(is_bad, null, 1)) over (
            partition by component, batch_key
            order by checked_at
        ) as cleans_before
    from observations

),

breaches as (

    select
        component,
        batch_key,
        cleans_before,
        min(checked_at) as started_at,
        max(checked_at) as last_bad_at,
        any_value(severity_level having max checked_at) as severity_level,
        any_value(rule_id having max checked_at) as rule_id,
        any_value(title having max checked_at) as title,
        any_value(value having max checked_at) as value,  -- noqa: RF04
        any_value(threshold having max checked_at) as threshold,
        any_value(evidence having max checked_at) as evidence
    from numbered
    where is_bad
    group by component, batch_key, cleans_before

),

latest_breaches as (

    select * from breaches
    where true
    qualify row_number() over (partition by component, batch_key order by cleans_before desc) = 1

),

-- It ends with the first clean check after it; until then the batch is bad, however long nobody looks.
ended as (

    select
        latest_breaches.component,
        latest_breaches.batch_key,
        min(observations.checked_at) as ended_at
    from latest_breaches
    inner join observations
        on
            latest_breaches.component = observations.component
            and latest_breaches.batch_key = observations.batch_key
            and latest_breaches.last_bad_at < observations.checked_at
    group by latest_breaches.component, latest_breaches.batch_key

),

final as (

    select
        latest_breaches.*,
        ended.ended_at
    from latest_breaches
    left join ended
        on
            latest_breaches.component = ended.component
            and latest_breaches.batch_key = ended.batch_key

)

select * from final
