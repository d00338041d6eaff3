{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        on_schema_change='append_new_columns',
        contract={'enforced': true},
        partition_by={'field': 'recorded_at', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['incident_id']
    )
}}
{%- set event_types = [
    'escalated', 'update_due', 'impact_assessed', 'review_scheduled', 'review_due', 'task_completed', 'review_completed'
] -%}
{#- A week: so long before the newest record a command's `--as-of` may be. -#}
{%- set since = since_newest('recorded_at', days=7) %}

with

recent_events as (

    select * from {{ ref('base_ledger__incident_events') }}
    where recorded_at >= {{ since }} and first_recorded_at >= {{ since }}

),

-- Of the table itself; a first build knows none. A copy of an event of long ago is none of the recent events.
known_events as (

    select event_id from {{ this if is_incremental() else ref('base_ledger__incident_events') }}
    where recorded_at >= {{ since }}{{ ' and false' if not is_incremental() }}

),

new_events as (

    select
        recent_events.*,
        json_value(recent_events.payload, '$.supersedes') as superseded_event_id
    from recent_events
    left join known_events on recent_events.event_id = known_events.event_id
    where known_events.event_id is null

),

-- An event that supersedes another is of any type.
final as (

    select
        event_id,
        incident_id,
        event_type,
        occurred_at,
        first_recorded_at as recorded_at,
        actor,
        payload,
        superseded_event_id
    from new_events
    where
        event_type in (
            {%- for event_type in event_types -%}
                '{{ event_type }}'{{ ', ' if not loop.last }}
            {%- endfor -%}
        )
        or superseded_event_id is not null
    qualify row_number() over (partition by event_id order by first_recorded_at) = 1

)

select * from final
