{{ config(materialized='view') }}

with

final as (

    select date_day
    from unnest(generate_date_array(date '2020-01-01', date '2040-12-31')) as date_day

)

select * from final
