-- Which response times does the policy want, since when, and what did they replace?
with

rules as (

    select * from {{ ref('response_rules') }}

),

final as (

    select
        severity_level,
        valid_from,
        response_time,
        lag(response_time) over (
            partition by severity_level order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00:00')
        ) as response_time_before,
        escalation,
        update_minutes,
        coalesce(valid_from > @as_of, false) as is_to_come
    from rules

)

select * from final
order by coalesce(valid_from, timestamp '0001-01-01 00:00:00+00:00') desc, severity_level asc
