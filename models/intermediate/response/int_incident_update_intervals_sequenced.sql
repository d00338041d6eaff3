{#- `_updates` of response/rules/clock_rules.py; the interval is that of the severity at the update before it. -#}
with

incidents as (

    select * from {{ ref('int_incident_clock_starts_aggregated') }}

),

history as (

    select * from {{ ref('int_incident_clock_history') }}
    where is_by_person

),

periods as (

    select * from {{ ref('int_incident_open_periods_sequenced') }}

),

severities as (

    select * from {{ ref('int_incident_severities_sequenced') }}

),

rules as (

    select * from {{ ref('response_rules') }}

),

limits as (

    select * from {{ ref('runtime_limits') }}
    where limit_name = 'update_requests'

),

limit_of_each as (

    select
        incidents.incident_id,
        cast(limits.value as int64) as update_requests
    from incidents
    cross join limits
    where limits.valid_from is null or incidents.detection_time >= limits.valid_from
    qualify {{ is_newest_valid(['incidents.incident_id'], valid_from='limits.valid_from') }}

),

-- From when on an update is waited for.
restarts as (

    select
        incident_id,
        runs_since as restarted_at,
        false as is_update
    from incidents

    union all

    select
        incident_id,
        opened_at as restarted_at,
        false as is_update
    from periods

    union all

    select
        incident_id,
        occurred_at as restarted_at,
        true as is_update
    from history

),

restarts_deduplicated as (

    select
        incident_id,
        restarted_at,
        logical_or(is_update) as is_update
    from restarts
    group by incident_id, restarted_at

),

restarts_sequenced as (

    select
        incident_id,
        restarted_at,
        lead(restarted_at) over (partition by incident_id order by restarted_at) as next_restarted_at,
        lead(is_update) over (partition by incident_id order by restarted_at) as is_next_update
    from restarts_deduplicated

),

final as (

    select
        restarts_sequenced.incident_id,
        restarts_sequenced.restarted_at,
        restarts_sequenced.is_next_update
        and (periods.closed_at is null or restarts_sequenced.next_restarted_at < periods.closed_at)
            as is_ended_by_update,
        -- Of both the earlier, of one that is known that.
        coalesce(
            least(restarts_sequenced.next_restarted_at, periods.closed_at),
            restarts_sequenced.next_restarted_at,
            periods.closed_at
        ) as ended_at,
        cast(round(rules.update_minutes * 60000000) as int64) as interval_microseconds,
        limit_of_each.update_requests
    from restarts_sequenced
    inner join incidents
        on
            restarts_sequenced.incident_id = incidents.incident_id
            and restarts_sequenced.restarted_at >= incidents.runs_since
    inner join periods
        on
            restarts_sequenced.incident_id = periods.incident_id
            and restarts_sequenced.restarted_at >= periods.opened_at
            and (periods.closed_at is null or restarts_sequenced.restarted_at < periods.closed_at)
    inner join severities
        on
            restarts_sequenced.incident_id = severities.incident_id
            and restarts_sequenced.restarted_at >= severities.valid_from
            and (severities.valid_to is null or restarts_sequenced.restarted_at < severities.valid_to)
    inner join rules
        on
            severities.severity_level = rules.severity_level
            and (rules.valid_from is null or severities.detection_time >= rules.valid_from)
    inner join limit_of_each on restarts_sequenced.incident_id = limit_of_each.incident_id
    where rules.update_minutes > 0
    qualify
        {{ is_newest_valid(
            ['restarts_sequenced.incident_id', 'restarts_sequenced.restarted_at'], valid_from='rules.valid_from'
        ) }}

)

select * from final
