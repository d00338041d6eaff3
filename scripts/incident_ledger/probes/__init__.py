"""Probes of APIs, dashboards and the warehouse: what they answer, and what that says. `probe` is the whole of it.

probe_targets    the policy's targets, with their keys from the environment
http_calls       a target → one answer, in time as a whole
http_answers     an answer → how it failed, pure
probe_results    what a probe found, as rows and back
probe_baselines  what is normal for a target: median and median absolute deviation over days
probe_findings   results and baselines → what is bad now by the policy's rules, pure
probe_signals    what was bad before and what is bad now → rows of `signals`, pure
probing          `probe`: all of these in their order
"""

from incident_ledger.probes.probing import ProbeReport, probe

__all__ = ["ProbeReport", "probe"]
