-- One row per combination of filters, month of detection (of the last 12) and severity.
with

incidents as (

    {{ incidents_by_filter() }}

),

final as (

    select
        severity_filter,
        component_filter,
        source_filter,
        date_trunc(detection_date, month) as month,
        severity_level,
        count(*) as incidents,
        countif(is_open) as open_incidents
    from incidents
    where period_filter = 'all' and detection_date >= date_sub(date_trunc(date(@as_of), month), interval 11 month)
    group by severity_filter, component_filter, source_filter, month, severity_level

)

select * from final
order by month, severity_level, severity_filter, component_filter, source_filter
