"""The keys of models without a data test of theirs: views of all events, checks or messages, parts of reports."""

_INCIDENT = ("incident_id",)
_ENTRY = ("incident_id", "entry_order")
_DURATION = ("incident_duration_id",)
_CLOCK = ("incident_id", "clock", "entry_order")
KEYS = {
    "stg_ledger__incident_events": ("event_id",),
    "stg_ledger__current_incident_events": ("event_id",),
    "stg_ledger__settled_incidents": _INCIDENT,
    "int_incident_events_sequenced": ("event_id",),
    "int_incidents_aggregated": _INCIDENT,
    "int_current_incidents_derived": _INCIDENT,
    "int_current_incidents_measured": _INCIDENT,
    "int_current_incident_deadlines": _INCIDENT,
    "int_incident_resolutions_aggregated": _INCIDENT,
    "int_incident_components_aggregated": _INCIDENT,
    "int_incident_state_history": _ENTRY,
    "int_incident_severity_history": _ENTRY,
    "int_incident_sla_business_days": _ENTRY,
    "int_incident_durations_aggregated": _DURATION,
    "int_incident_duration_intervals_estimated": _DURATION,
    "int_incident_duration_survival_estimated": _DURATION,
    "int_incident_durations_compared": _DURATION,
    "int_incident_counts_compared": ("period_grain", "period_start", "severity_level"),
    "int_response_events_sequenced": ("event_id",),
    "int_incident_clock_history": _ENTRY,
    "int_incident_clock_starts_aggregated": _INCIDENT,
    "int_incident_open_periods_sequenced": ("incident_id", "period_order"),
    "int_incident_severities_sequenced": _ENTRY,
    "int_incident_escalation_rules_sequenced": _ENTRY,
    "int_incident_clocks_unioned": _CLOCK,
    "int_incident_clock_ends_aggregated": _CLOCK,
    "int_incident_clock_deadlines": _CLOCK,
    "int_incident_escalation_clocks_measured": ("incident_id", "severity_level"),
    "int_incident_step_clocks_measured": ("incident_id", "clock"),
    "int_incident_update_intervals_sequenced": ("incident_id", "restarted_at"),
    "int_incident_updates_aggregated": _INCIDENT,
    "int_current_incident_sla_clocks_unioned": ("response_sla_id",),
    "int_incident_sla_clocks_unioned": ("response_sla_id",),
    "int_current_incident_tasks_measured": ("incident_id", "task_id"),
    "int_incident_tasks_measured": ("incident_id", "task_id"),
    "int_incident_review_clocks_measured": ("incident_id", "clock"),
    "fct_escalations": ("event_id",),
    "fct_incident_impact": _INCIDENT,
    "fct_incident_recurrence": _INCIDENT,
    "fct_review_findings": ("review_finding_id",),
    "fct_notifications": ("delivery_id",),
    "rpt_data_quality_daily": ("table_day_id",),
    "fct_system_health": ("health_key",),
    "rpt_data_quality_by_data_day": ("data_day_id",),
}
# Of what is built from usage, whose days are made each once; the MERGE into `signals` takes one row a key.
KEYS_OF_USAGE = {
    "int_usage_volumes_compared": ("vendor", "usage_date"),
    "int_usage_costs_compared": ("vendor", "usage_date"),
    "int_signals__volumes": ("source", "source_key"),
    "int_signals__costs": ("source", "source_key"),
}
