{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        on_schema_change='append_new_columns',
        partition_by={'field': 'checked_at', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['component']
    )
}}

{#- Checks never change: without a unique key the merge only inserts, and reads nothing of the table. -#}
{%- set since = since_newest('checked_at') -%}

with

batches as (

    select * from {{ ref('stg_ledger__quality_batches') }}
    where checked_at >= {{ since }}

),

{% if is_incremental() -%}
    known as (

        select distinct data_quality_id from {{ this }}
        where checked_at >= {{ since }}

    ),

    new_batches as (

        select batches.*
        from batches
        left join known on batches.batch_id = known.data_quality_id
        where known.data_quality_id is null

    ),
{%- else -%}
    new_batches as (

        select * from batches

    ),
{%- endif %}

final as (

    select
        batch_id as data_quality_id,
        run_id,
        checked_at,
        table_name,
        component,
        suite,
        batch_day,
        owner,
        examined as examined_records,
        rules_total,
        rules_ran,
        rules_failed,
        rules_errored,
        rules_failed / nullif(rules_ran, 0) as failed_validation_rate,
        100 * rules_failed / nullif(rules_ran, 0) as failed_validation_percent,
        severity_level,
        severity_level is not null as is_breach,
        rules_ran > 0 as is_checked,
        worst_rule_id,
        error
    from new_batches

)

select * from final
