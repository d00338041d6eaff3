{% macro renamed_relations() -%}
    {{ return({
        'int_incident_durations_by_period': [
            'int_cursor_usage_reported',
            'int_incident_business_deadlines_set',
            'int_incident_components_listed',
            'int_incident_deadlines_set',
            'int_incident_events_effective',
            'int_incident_measures_listed',
            'int_incident_outages_summed',
            'int_incident_periods_listed',
            'int_incident_severities_held',
            'int_incidents_said',
            'int_quality_breaches_found',
            'int_quality_observations_listed',
            'int_usage_counted',
            'int_usage_reported',
            'stg_incident_events',
            'stg_notifications',
            'stg_quality_batches',
            'stg_quality_breaches',
            'stg_quality_results',
            'stg_run_steps',
            'stg_usage__loads',
            'stg_usage__records',
        ],
        'fct_notifications': ['rpt_data_days', 'rpt_incident_times'],
        'severity_caps': ['rule_severity', 'runner_limits'],
    }) }}
{%- endmacro %}

{% macro drop_renamed_relations(results) -%}
    {%- set failed = results | selectattr('status', 'in', ['error', 'skipped', 'partial success']) | list -%}
    {%- if execute and not failed -%}
        {%- for result in results if result.status == 'success' and result.node.name in renamed_relations() -%}
            {%- for name in renamed_relations()[result.node.name] -%}
                {%- set relation = adapter.get_relation(result.node.database, result.node.schema, name) -%}
                {%- if relation -%}
                    {%- do adapter.drop_relation(relation) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
