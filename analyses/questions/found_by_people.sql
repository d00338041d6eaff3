-- Which share of incidents did people or a vendor find, and not our checks, by month?
with

incidents as (

    select * from {{ ref('operational_metrics') }}
    where detection_time <= @as_of

),

final as (

    select
        date_trunc(detection_date, month) as month,  -- noqa: RF04
        count(*) as incidents,
        countif(detected_by = 'check') as found_by_checks,
        countif(detected_by = 'person') as found_by_persons,
        countif(detected_by = 'vendor') as found_by_vendors,
        100 * countif(detected_by = 'check') / count(*) as found_by_checks_percent
    from incidents
    group by month

)

select * from final
order by month desc
