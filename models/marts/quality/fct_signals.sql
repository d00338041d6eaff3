{{ config(materialized='view') }}

with

breaches as (

    select * from {{ ref('int_quality_breaches_found') }}

),

severities as (

    select * from {{ ref('severities') }}

),

-- The worst batch that is bad now speaks for its component; when none is, the last one to end.
ranked as (

    select
        breaches.*,
        min(if(breaches.until is null, breaches.since, null)) over (partition by breaches.component) as held_since,
        max(if(breaches.until is null, breaches.last_bad_at, breaches.until)) over (
            partition by breaches.component, breaches.until is null
        ) as observed_at,
        count(if(breaches.until is null, 1, null)) over (partition by breaches.component) as bad_batches,
        row_number() over (
            partition by breaches.component
            order by
                if(breaches.until is null, 0, 1) asc,
                breaches.until desc,
                severities.severity_rank asc,
                coalesce(breaches.value, 1) desc,
                breaches.batch_key desc
        ) as place
    from breaches
    left join severities on breaches.severity_level = severities.severity_level

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
