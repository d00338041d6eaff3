"""Invented logs, probes and dbt results in which each characteristic of the playbook happens, or nearly does."""

from incident_ledger.simulation.scenarios import SCENARIOS, Scenario, find_scenario
from incident_ledger.simulation.stage import Look, Played, Stage
from incident_ledger.simulation.watching import look_at

__all__ = ["SCENARIOS", "Look", "Played", "Scenario", "Stage", "find_scenario", "look_at"]
