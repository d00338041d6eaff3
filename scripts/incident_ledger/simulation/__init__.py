"""Invented logs, probes and dbt results in which each characteristic of the playbook happens, or nearly does."""

from incident_ledger.simulation.normal_days import NormalDays
from incident_ledger.simulation.scenarios import SCENARIOS, Scenario, find_scenario
from incident_ledger.simulation.stage import Look, Played, Stage
from incident_ledger.simulation.watching import live, look_at

__all__ = ["SCENARIOS", "Look", "NormalDays", "Played", "Scenario", "Stage", "find_scenario", "live", "look_at"]
