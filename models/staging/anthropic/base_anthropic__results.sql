with

records as (

    select * from {{ ref('base_usage__records') }}
    where source in ('anthropic_usage', 'anthropic_cost')

),

buckets as (

    select
        *,
        json_value(record, '$.organization_id') as organization_id,
        timestamp(json_value(record, '$.starting_at')) as starting_at,
        timestamp(json_value(record, '$.ending_at')) as ending_at,
        timestamp_diff(
            timestamp(json_value(record, '$.ending_at')), timestamp(json_value(record, '$.starting_at')), second
        ) as width_seconds
    from records

),

-- A day exported by the hour and by the day has the same usage twice: the width of the newest export counts. Source and
-- day are part of the window, so that a filter on them prunes.
buckets_of_one_width as (

    select *
    from buckets
    where true
    qualify
        width_seconds = first_value(width_seconds) over (
            partition by source, usage_date, organization_id
            order by exported_at desc, loaded_at desc, width_seconds desc
        )

),

results as (

    select
        buckets_of_one_width.* except (record),
        result,
        place as result_position
    from buckets_of_one_width
    cross join unnest(json_query_array(record, '$.results')) as result with offset as place

),

final as (

    select
        source,
        {{ surrogate_key(['record_key', 'result_position']) }} as result_key,
        usage_date,
        starting_at,
        ending_at,
        organization_id,
        json_value(result, '$.product') as product,
        json_value(result, '$.workspace_id') as workspace_id,
        json_value(result, '$.model') as model,
        json_value(result, '$.service_tier') as service_tier,
        json_value(result, '$.context_window') as context_window,
        json_value(result, '$.inference_geo') as inference_geo,
        json_value(result, '$.speed') as speed,
        cast(json_value(result, '$.requests') as int64) as requests,
        result,
        exported_at,
        loaded_at,
        file,
        line
    from results

)

select * from final
