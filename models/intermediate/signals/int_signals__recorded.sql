with

recorded_signals as (

    select * from {{ ref('stg_ledger__signals') }}

),

final as (

    select
        source,
        source_key,
        source_key as batch_key,
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
    from recorded_signals
    -- What people hold back stands beside what is found, so that a tick reads one table.
    where source != 'silence'

)

select * from final
