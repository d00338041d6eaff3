-- One row per table and day of its data that was bad at any check, the newest first: what it was, and what it is now.
with

data_days as (

    select * from {{ ref('rpt_data_quality_by_data_day') }}
    where first_checked_at <= @as_of

),

final as (

    select
        table_name,
        data_date,
        case when is_bad then 'bad' when is_bad is null then 'not known' else 'good again' end as data_state,
        worst_severity_level,
        checks_run,
        checks_failed,
        checks_errored,
        worst_rule_id,
        last_checked_at,
        concat('=', component) as component_filter,
        count(*) over () as total_rows
    from data_days
    where checks_failed > 0 or checks_errored > 0
    qualify row_number() over (order by data_date desc, table_name asc, data_day_id asc) <= 300

)

select * from final
order by data_date desc, table_name asc
