{# Whether a person wrote an event, not a program. `MACHINES` of ledger/events.py are the same names. #}
{% macro is_person(actor) -%}
    {{ actor }} not in ('incident-ledger', 'statuspage')
{%- endmacro %}

{# Who found an incident, by where it came from: an importer's vendor, a person's command, or a check. #}
{% macro detected_by(source) -%}
    case {{ source }} when 'statuspage' then 'vendor' when 'cli' then 'person' else 'check' end
{%- endmacro %}
