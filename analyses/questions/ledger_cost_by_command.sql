-- What do the ledger's own queries cost in BigQuery, by command, in the last 30 days?
with

costs as (

    select * from {{ ref('fct_warehouse_costs') }}
    where job_day <= date(@as_of) and job_day > date_sub(date(@as_of), interval 30 day)

),

final as (

    select
        command,
        sum(jobs) as jobs,
        sum(failed_jobs) as failed_jobs,
        sum(bytes_billed) as bytes_billed,
        sum(cost_usd) as cost_usd,
        sum(slot_seconds) as slot_seconds
    from costs
    group by command

)

select * from final
order by cost_usd desc, command asc
