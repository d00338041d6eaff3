with

revisions as (

    select * from {{ ref('base_usage__revisions') }}
    where source in ('anthropic_cost', 'anthropic_usage', 'claude_code', 'cursor_events')

),

-- What a bucket holds, and how wide it is: by the hour and by the day it is the same usage.
records_summed as (

    select
        source,
        record_key,
        usage_date,
        exported_at,
        loaded_at,
        file,
        line,
        json_value(record, '$.organization_id') as organization_id,
        if(
            starts_with(source, 'anthropic'),
            timestamp_diff(
                safe_cast(json_value(record, '$.ending_at') as timestamp),
                safe_cast(json_value(record, '$.starting_at') as timestamp),
                second
            ),
            null
        ) as width_seconds,
        case source
            when 'cursor_events'
                then
                    coalesce(
                        safe_cast(json_value(record, '$.chargedCents') as numeric),
                        coalesce(safe_cast(json_value(record, '$.tokenUsage.totalCents') as numeric), 0)
                        + coalesce(safe_cast(json_value(record, '$.cursorTokenFee') as numeric), 0)
                    ) / 100
            when 'claude_code'
                then (
                    select
                        sum(
                            coalesce(safe_cast(json_value(part, '$.tokens.input') as numeric), 0)
                            + coalesce(safe_cast(json_value(part, '$.tokens.cache_read') as numeric), 0)
                            + coalesce(safe_cast(json_value(part, '$.tokens.output') as numeric), 0)
                        )
                    from unnest(json_query_array(record, '$.model_breakdown')) as part
                )
            when 'anthropic_usage'
                then (
                    select
                        sum(
                            coalesce(safe_cast(json_value(part, '$.uncached_input_tokens') as numeric), 0)
                            + coalesce(safe_cast(json_value(part, '$.cache_read_input_tokens') as numeric), 0)
                            + coalesce(safe_cast(json_value(part, '$.output_tokens') as numeric), 0)
                        )
                    from unnest(json_query_array(record, '$.results')) as part
                )
            else (
                select sum(coalesce(safe_cast(json_value(part, '$.amount') as numeric), 0)) / 100
                from unnest(json_query_array(record, '$.results')) as part
            )
        end as amount
    from revisions

),

-- A record that was taken back has neither an organization nor a width of its own: those of the one before it.
changes as (

    select
        * except (organization_id, width_seconds),
        max(organization_id) over (partition by usage_date, source, record_key) as organization_id,
        max(width_seconds) over (partition by usage_date, source, record_key) as width_seconds,
        coalesce(amount, 0) - coalesce(
            lag(coalesce(amount, 0)) over (
                partition by usage_date, source, record_key
                order by loaded_at, exported_at, file, line
            ),
            0
        ) as added
    from records_summed

),

-- What one load brings of a day counts at once.
loads as (

    select
        usage_date,
        source,
        organization_id,
        width_seconds,
        loaded_at,
        sum(added) as added
    from changes
    group by usage_date, source, organization_id, width_seconds, loaded_at

),

final as (

    select
        usage_date,
        source,
        organization_id,
        width_seconds,
        loaded_at,
        sum(added) over (
            partition by usage_date, source, organization_id, width_seconds
            order by loaded_at
            rows between unbounded preceding and current row
        ) as total
    from loads

)

select * from final
