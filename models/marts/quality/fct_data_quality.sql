{#- `slices` is filled by new_checks() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        on_schema_change='append_new_columns',
        partition_by={'field': 'checked_at', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['component'],
        meta={'slices': [], 'slice_key': 'data_quality_id'},
        post_hook="{{ replace_further_slices() }}"
    )
}}

with

new_batches as (

    {{ new_checks(ref('stg_ledger__quality_batches'), 'batch_id', 'data_quality_id') }}

),

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
