-- What is held back by a silence, by whom, why, and until when?
with

silences as (

    select * from {{ ref('stg_ledger__signals') }}
    where source = 'silence'

),

final as (

    select
        component as what_is_held_back,
        started_at,
        ended_at,
        title as reason,
        owner as silenced_by,
        started_at <= @as_of and @as_of < ended_at as is_on
    from silences

)

select * from final
order by ended_at desc, what_is_held_back asc, started_at asc
