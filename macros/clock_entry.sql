{# The events of programs that start, stop or record a clock. `CLOCK_TYPES` of ledger/clock_history.py has the same. #}
{% macro clock_event_types() -%}
    'detected', 'severity_changed', 'status_changed', 'escalated', 'commander_assigned', 'war_room_opened', 'update_due',
    'resolved', 'reopened', 'review_scheduled', 'review_due'
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
