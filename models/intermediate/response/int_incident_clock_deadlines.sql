{#- `first_time` of response/rules/timeline.py. -#}
with

clocks as (

    select
        *,
        greatest(ended_at, runs_since) as starts_at
    from {{ ref('int_incident_clock_ends_aggregated') }}

),

periods as (

    select * from {{ ref('int_incident_open_periods_sequenced') }}

),

severities as (

    select * from {{ ref('int_incident_severities_sequenced') }}

),

statuses as (

    select * from {{ ref('int_incident_clock_history') }}
    where status is not null

),

turns as (

    select
        incident_id,
        valid_from as turned_at
    from severities

    union distinct

    select
        incident_id,
        opened_at as turned_at
    from periods

    union distinct

    select
        incident_id,
        occurred_at as turned_at
    from statuses

),

-- What may let a clock fall due after its end: a severity, a status, a reopening, a split.
candidates as (

    select
        clocks.*,
        clocks.starts_at as candidate_at
    from clocks
    where clocks.starts_at is not null

    union all

    select
        clocks.*,
        turns.turned_at as candidate_at
    from clocks
    inner join turns on clocks.incident_id = turns.incident_id and clocks.starts_at < turns.turned_at

),

open_candidates as (

    select
        candidates.*,
        periods.reopened_at,
        severities.severity_level as held_severity_level
    from candidates
    inner join periods
        on
            candidates.incident_id = periods.incident_id
            and candidates.candidate_at >= periods.opened_at
            and (periods.closed_at is null or candidates.candidate_at < periods.closed_at)
    inner join severities
        on
            candidates.incident_id = severities.incident_id
            and candidates.candidate_at >= severities.valid_from
            and (severities.valid_to is null or candidates.candidate_at < severities.valid_to)
    where candidates.lowered_at is null or candidates.candidate_at < candidates.lowered_at

),

-- The last status since it was reopened, but for work on it, which changes nothing.
contained as (

    select
        open_candidates.incident_id,
        open_candidates.candidate_at,
        any_value(statuses.status having max statuses.entry_order) = 'contained' as is_contained
    from open_candidates
    inner join statuses
        on
            open_candidates.incident_id = statuses.incident_id
            and open_candidates.reopened_at <= statuses.occurred_at
            and open_candidates.candidate_at >= statuses.occurred_at
    where open_candidates.unless = 'contained' and statuses.status != 'resolving'
    group by open_candidates.incident_id, open_candidates.candidate_at

),

final as (

    select
        open_candidates.incident_id,
        open_candidates.clock,
        open_candidates.entry_order,
        open_candidates.severity_level,
        min(open_candidates.candidate_at) as fell_due_at,
        any_value(open_candidates.held_severity_level having min open_candidates.candidate_at)
            as due_severity_level
    from open_candidates
    left join contained
        on
            open_candidates.incident_id = contained.incident_id
            and open_candidates.candidate_at = contained.candidate_at
    where
        (coalesce(open_candidates.unless, '') != 'contained' or not coalesce(contained.is_contained, false))
        and (
            open_candidates.severity_levels is null
            or open_candidates.held_severity_level in unnest(split(open_candidates.severity_levels, ' '))
        )
    group by
        open_candidates.incident_id,
        open_candidates.clock,
        open_candidates.entry_order,
        open_candidates.severity_level

)

select * from final
