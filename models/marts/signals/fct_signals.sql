{{ config(materialized='view') }}
{#- Whatever finds something wrong: `int_signals__<detector>` gives it in the shape of a signal. -#}
{%- set detectors = ['quality', 'recorded'] -%}

with

signals as (

    {% for detector in detectors -%}
        select
            source,
            source_key,
            batch_key,
            rule_id,
            component,
            severity_level,
            title,
            started_at,
            ended_at,
            observed_at,
            value,
            threshold,
            owner,
            evidence
        from {{ ref('int_signals__' ~ detector) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}

),

incidents as (

    select * from {{ ref('int_current_incidents_derived') }}
    where {{ is_counted() }}

),

severities as (

    select * from {{ ref('severities') }}

),

resolutions as (

    select
        source,  -- noqa: RF04
        source_key,
        max(last_resolution_time) as resolved_at
    from incidents
    group by source, source_key

),

-- What was not found bad since its incident was resolved is left out: its check may be gone, and would never end it.
-- An absence that is still to come begins after it.
relevant_signals as (

    select signals.*
    from signals
    left join resolutions
        on
            signals.source = resolutions.source
            and signals.source_key = resolutions.source_key
    where
        signals.ended_at is not null
        or resolutions.resolved_at is null
        or signals.observed_at > resolutions.resolved_at
        or signals.started_at > resolutions.resolved_at

),

-- A component has the signal of its worst batch that is bad now; when none is, of the last one to end.
ranked as (

    select
        relevant_signals.* except (observed_at),
        min(if(relevant_signals.ended_at is null, relevant_signals.started_at, null))
            over (partition by relevant_signals.source, relevant_signals.source_key)
            as first_started_at,
        max(relevant_signals.observed_at) over (
            partition by relevant_signals.source, relevant_signals.source_key, relevant_signals.ended_at is null
        ) as observed_at,
        count(if(relevant_signals.ended_at is null, 1, null))
            over (partition by relevant_signals.source, relevant_signals.source_key)
            as bad_batches,
        row_number() over (
            partition by relevant_signals.source, relevant_signals.source_key
            order by
                if(relevant_signals.ended_at is null, 0, 1) asc,
                relevant_signals.ended_at desc,
                severities.severity_rank asc,
                coalesce(relevant_signals.value, 1) desc,
                relevant_signals.batch_key desc
        ) as place
    from relevant_signals
    left join severities on relevant_signals.severity_level = severities.severity_level

),

final as (

    select
        source,
        source_key,
        rule_id,
        component,
        severity_level,
        case bad_batches
            when 0 then title
            when 1 then title
            when 2 then concat(title, ' (and 1 more batch)')
            else concat(title, ' (and ', cast(bad_batches - 1 as string), ' more batches)')
        end as title,
        coalesce(first_started_at, started_at) as started_at,
        observed_at,
        ended_at,
        value,
        threshold,
        owner,
        evidence
    from ranked
    where place = 1

)

select * from final
