{#- `slices` is filled by new_checks() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        on_schema_change='append_new_columns',
        partition_by={'field': 'checked_at', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['component', 'rule_id'],
        meta={'slices': [], 'slice_key': 'quality_rule_id'},
        post_hook="{{ replace_further_slices() }}"
    )
}}

with

new_results as (

    {{ new_checks(ref('stg_ledger__quality_results'), 'result_id', 'quality_rule_id') }}

),

final as (

    select
        result_id as quality_rule_id,
        run_id,
        checked_at,
        table_name,
        component,
        suite,
        rule_id,
        batch_day,
        column_name,
        expectation_type,
        dimension,
        owner,
        gx_severity,
        is_table_rule,
        is_success,
        error is null and is_success is not null as is_checked,
        examined as examined_records,
        failed as failed_records,
        failed / nullif(examined, 0) as failed_record_rate,
        100 * failed / nullif(examined, 0) as failed_record_percent,
        severity_level,
        threshold,
        error
    from new_results

)

select * from final
