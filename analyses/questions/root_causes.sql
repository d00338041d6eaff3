-- What causes our incidents, and which cause costs most time?
with

incidents as (

    select * from {{ ref('operational_metrics') }}
    where detection_time <= @as_of

),

final as (

    select
        coalesce(root_cause_category, 'not named') as cause,
        count(*) as incidents,
        countif(is_open) as open_incidents,
        countif(severity_level in ('P0', 'P1')) as p0_p1_incidents,
        sum(if({{ is_excluded('mttr') }}, null, mttr_minutes)) as minutes_to_resolve
    from incidents
    group by cause

)

select * from final
order by incidents desc, cause asc
