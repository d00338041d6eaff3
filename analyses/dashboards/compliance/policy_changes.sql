-- One row per response rule of the policy, as it holds from a time on, the newest first.
with

rules as (

    select * from {{ ref('response_rules') }}

),

final as (

    select
        valid_from,
        severity_level,
        response_time,
        escalation,
        update_minutes,
        case
            when valid_from > @as_of then 'to come'
            when
                row_number() over (
                    partition by severity_level, coalesce(valid_from > @as_of, false)
                    order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00:00') desc
                ) = 1
                then 'in force'
            else 'replaced'
        end as rule_state,
        severity_level as severity_filter
    from rules

)

select * from final
order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00:00') desc, severity_level
