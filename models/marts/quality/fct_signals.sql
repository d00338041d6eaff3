{{ config(materialized='view') }}

with

breaches as (

    select * from {{ ref('int_quality_breaches_grouped') }}

),

incidents as (

    select * from {{ ref('incident_state') }}
    where source = 'quality' and not is_retracted and merged_into is null

),

severities as (

    select * from {{ ref('severities') }}

),

resolutions as (

    select
        source_key,
        max(last_resolution_time) as resolved_at
    from incidents
    group by source_key

),

-- A breach not seen again since its incident was resolved is left out: its suite may be gone, and would never end it.
relevant_breaches as (

    select breaches.*
    from breaches
    left join resolutions on breaches.component = resolutions.source_key
    where
        breaches.ended_at is not null
        or resolutions.resolved_at is null
        or breaches.last_bad_at > resolutions.resolved_at

),

-- The worst batch that is bad now speaks for its component; when none is, the last one to end.
ranked as (

    select
        relevant_breaches.*,
        min(if(relevant_breaches.ended_at is null, relevant_breaches.started_at, null))
            over (partition by relevant_breaches.component)
            as first_started_at,
        max(if(relevant_breaches.ended_at is null, relevant_breaches.last_bad_at, relevant_breaches.ended_at)) over (
            partition by relevant_breaches.component, relevant_breaches.ended_at is null
        ) as observed_at,
        count(if(relevant_breaches.ended_at is null, 1, null))
            over (partition by relevant_breaches.component)
            as bad_batches,
        row_number() over (
            partition by relevant_breaches.component
            order by
                if(relevant_breaches.ended_at is null, 0, 1) asc,
                relevant_breaches.ended_at desc,
                severities.severity_rank asc,
                coalesce(relevant_breaches.value, 1) desc,
                relevant_breaches.batch_key desc
        ) as place
    from relevant_breaches
    left join severities on relevant_breaches.severity_level = severities.severity_level

),

final as (

    select
        component as source_key,
        rule_id,
        component,
        severity_level,
        observed_at,
        ended_at,
        value,
        threshold,
        evidence,
        'quality' as source,
        case bad_batches
            when 0 then title
            when 1 then title
            when 2 then concat(title, ' (and 1 more batch)')
            else concat(title, ' (and ', cast(bad_batches - 1 as string), ' more batches)')
        end as title,
        coalesce(first_started_at, started_at) as started_at
    from ranked
    where place = 1

)

select
    source,
    source_key,
    rule_id,
    component,
    severity_level,
    title,
    started_at,
    observed_at,
    ended_at,
    value,
    threshold,
    evidence
from final
