"""What a run would write, found out without writing: `run --dry-run`."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from incident_ledger.ledger.bootstrap import ensure_ledger
from incident_ledger.ledger.events import Event, canonical
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.notify.due import due_events
from incident_ledger.notify.messages import Message, compose
from incident_ledger.policy import load as load_policy
from incident_ledger.quality.breaches import known
from incident_ledger.quality.results import batch_rows
from incident_ledger.quality.verdict import BatchResult
from incident_ledger.response.plan import opened, plan
from incident_ledger.response.signals import Signal, signal_columns, to_signal
from incident_ledger.transform import Dbt
from incident_ledger.warehouse import Warehouse

# From what the checks wrote to what the detectors say, in order.
_CHAIN = ("stg_quality_breaches", "int_quality_observations_listed", "int_quality_breaches_found", "fct_signals")
_RUN_ID = "rehearsal"


def rehearse(warehouse: Warehouse, as_of: datetime) -> tuple[list[Event], list[Message]]:
    """The events that a run at `as_of` would write and the messages that it would send.

    The tables are checked as they are: dbt builds nothing here, since building is writing.
    """
    from incident_ledger.quality.check import check_all

    ensure_ledger(warehouse)
    policy = load_policy(warehouse)
    batches = check_all(warehouse, policy, run_id=_RUN_ID, now=as_of, is_recorded=False)
    state = {incident.incident_id: incident for incident in read_state(warehouse)}
    events = plan(list(state.values()), _signals(warehouse, batches, as_of), policy, as_of)
    due = [*due_events(warehouse, policy, as_of), *events]
    history: dict[str, list[Event]] = defaultdict(list)
    for recorded in read_events(warehouse, incident_ids=sorted({event.incident_id for event in due})):
        history[recorded.event.incident_id].append(recorded.event)
    messages: list[Message] = []
    for event in due:
        incident: IncidentState = state.get(event.incident_id) or opened(event)
        messages += compose(event, incident, policy, as_of, history=history[event.incident_id])
    return events, messages


def _signals(warehouse: Warehouse, batches: Sequence[BatchResult], as_of: datetime) -> list[Signal]:
    """What `fct_signals` would say with these verdicts recorded: its own SQL, over what they would be kept beside."""
    compiled = Dbt(warehouse.settings, warehouse.endpoint).compiled(_CHAIN)
    parts = [f"all_breaches as ({known(warehouse, as_of)})"]
    replaced = {warehouse.raw("quality_breaches").replace(".", "`.`"): "all_breaches"}
    for model in _CHAIN:
        relation, sql = compiled[model]
        for name, stand_in in replaced.items():
            sql = sql.replace(name, stand_in)
        parts.append(f"{model} as (\n{sql}\n)")
        replaced[relation] = model
    query = f"with {', '.join(parts)} select {signal_columns()} from fct_signals"  # noqa: S608
    rows = canonical(batch_rows(batches, _RUN_ID, as_of))
    return [to_signal(row) for row in warehouse.rows(query, {"rows": rows})]
