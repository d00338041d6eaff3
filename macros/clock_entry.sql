{# The events of programs that start, stop or record a clock. `CLOCK_TYPES` of ledger/clock_history.py has the same. #}
{% macro clock_event_types() -%}
    'detected', 'severity_changed', 'status_changed', 'escalated', 'commander_assigned', 'war_room_opened', 'update_due',
    'resolved', 'reopened', 'merged', 'review_scheduled', 'review_due'
{%- endmacro %}

{# One event as its clocks need it, in one text, as `ledger/clock_history.py` reads and writes it. #}
{% macro clock_entry() -%}
    array_to_string(
        [
            cast(unix_micros(occurred_at) as string),
            event_type,
            if({{ is_person('events.actor') }}, 'person', 'program'),
            coalesce(events.severity_level, escalated_severity_level, '-'),
            coalesce(if(is_contained, 'contained', status), '-'),
            coalesce(step_id, '-')
        ],
        ' '
    )
{%- endmacro %}

{# The entries of `clock_history` of a relation of incidents, a row each. #}
{% macro clock_entries(relation) -%}
    select
        entries.incident_id,
        entries.detection_time,
        entries.entry_order,
        timestamp_add(
            timestamp '1970-01-01 00:00:00+00:00', interval cast(entries.parts[offset(0)] as int64) microsecond
        ) as occurred_at,
        entries.parts[offset(1)] as event_type,
        entries.parts[offset(2)] = 'person' as is_by_person,
        nullif(entries.parts[offset(3)], '-') as severity_level,
        nullif(entries.parts[offset(4)], '-') as status,
        nullif(entries.parts[offset(5)], '-') as step_id
    from
        (
            select
                {{ relation }}.incident_id,
                {{ relation }}.detection_time,
                place as entry_order,
                split(entry, ' ') as parts
            from {{ relation }}
            cross join unnest({{ relation }}.clock_history) as entry with offset as place
        ) as entries
{%- endmacro %}
