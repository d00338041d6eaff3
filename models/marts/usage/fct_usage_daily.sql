{#- `partitions` is filled by usage_days_to_replace() when the model compiles. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        on_schema_change='append_new_columns',
        partition_by={'field': 'usage_date', 'data_type': 'date'},
        cluster_by=['vendor', 'user_name'],
        partitions=["date '1970-01-01'"],
        meta={'slices': []},
        post_hook="{{ replace_further_slices() }}"
    )
}}
{%- set days = usage_days_to_replace() %}

with

lines as (

    select * from {{ ref('int_usage_reconciled') }}
    {% if days -%}
        where usage_date in ({{ days | join(', ') }}) and report_date in ({{ days | join(', ') }})
    {%- endif %}

),

loads as (

    select * from {{ ref('stg_ledger__usage_loads') }}
    {% if days -%}
        where usage_date in ({{ days | join(', ') }}) and recorded_at >= {{ usage_recorded_since(days) }}
    {%- endif %}

),

load_counts as (

    select
        usage_date,
        count(distinct if(source != 'cursor_spend', load_id, null)) as load_count
    from loads
    group by usage_date

),

-- Whether the newest load of each report had all of the day.
completeness as (

    select
        usage_date,
        source,
        is_complete
    from loads
    where true
    qualify row_number() over (partition by usage_date, source order by loaded_at desc, is_complete desc) = 1

),

lines_aggregated as (

    select
        lines.usage_date,
        lines.vendor,
        lines.product,
        lines.user_name,
        lines.model,
        string_agg(distinct lines.source, ', ' order by lines.source) as sources,
        sum(lines.uncached_input_tokens) as uncached_input_tokens,
        sum(lines.cache_creation_tokens) as cache_creation_tokens,
        sum(lines.cache_read_tokens) as cache_read_tokens,
        sum(lines.output_tokens) as output_tokens,
        sum(lines.requests) as requests,
        sum(lines.cost_usd) as cost_usd,
        sum(lines.estimated_cost_usd) as estimated_cost_usd,
        logical_or(lines.is_cost_estimated) as is_cost_estimated,
        logical_and(coalesce(completeness.is_complete, false)) as is_export_complete,
        countif(lines.is_token_count_unknown) as unknown_token_records,
        -- A report that counts no requests at all leaves the row without; one that leaves some out makes it too low.
        if(count(lines.requests) > 0, countif(lines.is_request_count_unknown), 0) as unknown_request_records,
        countif(lines.is_cost_unknown) as unknown_cost_records,
        max(load_counts.load_count) as load_count,
        max(lines.loaded_at) as loaded_at
    from lines
    left join completeness
        on lines.usage_date = completeness.usage_date and lines.source = completeness.source
    left join load_counts on lines.usage_date = load_counts.usage_date
    group by lines.usage_date, lines.vendor, lines.product, lines.user_name, lines.model

),

final as (

    select
        {{ surrogate_key(['usage_date', 'vendor', 'product', 'user_name', 'model']) }} as usage_key,
        usage_date,
        vendor,
        product,
        user_name,
        model,
        sources,
        uncached_input_tokens,
        cache_creation_tokens,
        cache_read_tokens,
        output_tokens,
        -- Unknown only when all kinds are: a kind that a report does not have adds nothing.
        case
            when
                coalesce(uncached_input_tokens, cache_creation_tokens, cache_read_tokens, output_tokens) is not null
                then
                    coalesce(uncached_input_tokens, 0) + coalesce(cache_creation_tokens, 0)
                    + coalesce(cache_read_tokens, 0) + coalesce(output_tokens, 0)
        end as total_tokens,
        requests,
        cost_usd,
        estimated_cost_usd,
        is_cost_estimated,
        unknown_token_records,
        unknown_request_records,
        unknown_cost_records,
        is_export_complete and unknown_token_records + unknown_request_records + unknown_cost_records = 0
            as is_complete,
        load_count,
        loaded_at,
        {{ built_at() }} as built_at
    from lines_aggregated

)

select * from final
