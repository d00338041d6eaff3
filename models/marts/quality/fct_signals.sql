{{ config(materialized='view') }}

with

breaches as (

    select * from {{ ref('int_quality_breaches_found') }}

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

-- What was not found bad since its incident was resolved says nothing: its suite may be gone, and would never end it.
speaking as (

    select breaches.*
    from breaches
    left join resolutions on breaches.component = resolutions.source_key
    where
        breaches.until is not null
        or resolutions.resolved_at is null
        or breaches.last_bad_at > resolutions.resolved_at

),

-- The worst batch that is bad now speaks for its component; when none is, the last one to end.
ranked as (

    select
        speaking.*,
        min(if(speaking.until is null, speaking.since, null)) over (partition by speaking.component) as held_since,
        max(if(speaking.until is null, speaking.last_bad_at, speaking.until)) over (
            partition by speaking.component, speaking.until is null
        ) as observed_at,
        count(if(speaking.until is null, 1, null)) over (partition by speaking.component) as bad_batches,
        row_number() over (
            partition by speaking.component
            order by
                if(speaking.until is null, 0, 1) asc,
                speaking.until desc,
                severities.severity_rank asc,
                coalesce(speaking.value, 1) desc,
                speaking.batch_key desc
        ) as place
    from speaking
    left join severities on speaking.severity_level = severities.severity_level

),

final as (

    select
        component as source_key,
        rule_id,
        component,
        severity_level,
        observed_at,
        until,
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
        coalesce(held_since, since) as since
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
    since,
    observed_at,
    until,
    value,
    threshold,
    evidence
from final
