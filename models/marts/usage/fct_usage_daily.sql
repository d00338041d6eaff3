{#- `partitions` is filled by usage_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'usage_date', 'data_type': 'date'},
        cluster_by=['vendor', 'user_name'],
        partitions=["date '1970-01-01'"]
    )
}}
{%- set days = usage_days_to_replace() %}

with

counted as (

    select * from {{ ref('int_usage_counted') }}
    {% if is_incremental() -%}
        where usage_date in ({{ days | join(', ') }})
    {%- endif %}

),

loads as (

    select * from {{ ref('stg_usage__loads') }}
    {% if is_incremental() -%}
        where usage_date in ({{ days | join(', ') }})
    {%- endif %}

),

-- Whether the newest load of a report had all of a day.
completeness as (

    select
        usage_date,
        source,
        is_complete
    from loads
    where true
    qualify row_number() over (partition by usage_date, source order by loaded_at desc, is_complete desc) = 1

),

load_counts as (

    select
        usage_date,
        count(distinct load_id) as load_count
    from loads
    where source != 'cursor_spend'
    group by usage_date

),

summed as (

    select
        counted.usage_date,
        counted.vendor,
        counted.product,
        counted.user_name,
        counted.model,
        string_agg(distinct counted.source, ', ' order by counted.source) as sources,
        sum(counted.uncached_input_tokens) as uncached_input_tokens,
        sum(counted.cache_creation_tokens) as cache_creation_tokens,
        sum(counted.cache_read_tokens) as cache_read_tokens,
        sum(counted.output_tokens) as output_tokens,
        sum(counted.requests) as requests,
        sum(counted.cost_usd) as cost_usd,
        sum(counted.estimated_cost_usd) as estimated_cost_usd,
        logical_or(counted.is_cost_estimated) as is_cost_estimated,
        logical_and(coalesce(completeness.is_complete, false)) as is_complete,
        max(counted.loaded_at) as loaded_at
    from counted
    left join completeness
        on counted.usage_date = completeness.usage_date and counted.source = completeness.source
    group by counted.usage_date, counted.vendor, counted.product, counted.user_name, counted.model

),

final as (

    select
        {{ surrogate_key([
            'summed.usage_date', 'summed.vendor', 'summed.product', 'summed.user_name', 'summed.model'
        ]) }} as usage_key,
        summed.usage_date,
        summed.vendor,
        summed.product,
        summed.user_name,
        summed.model,
        summed.sources,
        summed.uncached_input_tokens,
        summed.cache_creation_tokens,
        summed.cache_read_tokens,
        summed.output_tokens,
        -- Unknown only when all kinds are: a kind that a report does not have adds nothing.
        case
            when
                coalesce(
                    summed.uncached_input_tokens, summed.cache_creation_tokens, summed.cache_read_tokens,
                    summed.output_tokens
                ) is not null
                then
                    coalesce(summed.uncached_input_tokens, 0) + coalesce(summed.cache_creation_tokens, 0)
                    + coalesce(summed.cache_read_tokens, 0) + coalesce(summed.output_tokens, 0)
        end as total_tokens,
        summed.requests,
        summed.cost_usd,
        summed.estimated_cost_usd,
        summed.is_cost_estimated,
        summed.is_complete,
        load_counts.load_count,
        summed.loaded_at
    from summed
    left join load_counts on summed.usage_date = load_counts.usage_date

)

select * from final
