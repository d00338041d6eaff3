"""What a run would write, found out without writing: `run --dry-run`."""

from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_ledger.dbt_runner import Dbt
from incident_ledger.encoding import canonical
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.setup import has_views
from incident_ledger.ledger.state import IncidentState, read_events, state_reading
from incident_ledger.notify.composing import compose_due
from incident_ledger.notify.messages import Message
from incident_ledger.notify.pending import due_events
from incident_ledger.notify.queries import channel_findings_reading
from incident_ledger.notify.rendering import Templates
from incident_ledger.notify.window import first_day
from incident_ledger.policy import load_files
from incident_ledger.quality.breaches import known
from incident_ledger.quality.result_types import BatchResult
from incident_ledger.quality.results import batch_rows
from incident_ledger.quality.suites import Suite, load_folders
from incident_ledger.response.planner import after, plan
from incident_ledger.response.signals import Signal
from incident_ledger.runner.channel_signals import channel_signals
from incident_ledger.runner.lineage import readers
from incident_ledger.runner.node_selection import models_between, nodes_of
from incident_ledger.runner.signal_rows import signal_columns, to_signal
from incident_ledger.runner.silence_rows import silences_reading
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from incident_ledger.warehouse.rows import encode_row, rows_query
from incident_ledger.warehouse.tables import QUALITY_BREACHES, ensure_tables, names

_RUN_ID = "dry-run"
_URGENT = frozenset({"P0", "P1"})


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """The events that a run would write, the messages that it would send, and what could not be tried."""

    events: Sequence[Event] = ()
    messages: Sequence[Message] = ()
    notes: Sequence[str] = ()
    open_incidents: Sequence[IncidentState] = ()
    """Those open now at P0 or P1, the worst first, whether this run would change them or not."""


def run_dry(warehouse: Warehouse, as_of: datetime) -> DryRun:
    """What a run at `as_of` would do, by the policy of the seed files, which it would load.

    The tables are checked as they are: dbt builds nothing here, since building is writing. A model's table that is not
    there yet is left out and named. Raises `UserError` for seeds that a run would refuse.
    """
    from incident_ledger.quality.checker import check_all

    dbt = Dbt(warehouse.settings, warehouse.endpoint)
    policy = load_files(warehouse.settings.project_dir / "seeds" / "policy")
    if not has_views(warehouse):
        return DryRun(notes=["There is no ledger in the warehouse yet. A run makes it, then builds and checks."])
    ensure_tables(warehouse)  # a newer version may have added a table that is queried below
    suites, unbuilt = _split(warehouse, dbt.relations())
    batches = check_all(
        warehouse,
        policy,
        run_id=_RUN_ID,
        now=as_of,
        suites=suites,
        is_recorded=False,
        readers=lambda: readers(dbt.manifest()),
    )
    state = {each.incident_id: each for each in read(warehouse, state_reading(warehouse, is_current=True))}
    channels = read(
        warehouse,
        channel_findings_reading(warehouse, warehouse.settings, policy, as_of, since=first_day(policy, as_of)),
    )
    signals = [*_signals(warehouse, dbt, batches, as_of), *channel_signals(channels, policy, as_of)]
    silences = read(warehouse, silences_reading(warehouse, as_of))
    events = plan(list(state.values()), signals, policy, as_of, silences)
    due = due_events(warehouse, policy, as_of, events)
    history: dict[str, list[Event]] = defaultdict(list)
    for recorded in read_events(warehouse, incident_ids=sorted({each.event.incident_id for each in due})):
        history[recorded.event.incident_id].append(recorded.event)
    incidents = {incident.incident_id: incident for incident in after(list(state.values()), events)}
    own = Templates.of(warehouse.settings)
    messages = compose_due(due, incidents, policy, as_of, history, templates=own)
    urgent = [
        incident
        for incident in state.values()
        if incident.is_open and incident.severity_level in _URGENT and incident.detection_time <= as_of
    ]
    urgent.sort(key=lambda incident: (policy.rank(incident.severity_level), incident.detection_time))
    notes = [f"A run builds these before it checks them; they are not there yet: {', '.join(unbuilt)}."]
    return DryRun(events=events, messages=messages, notes=notes if unbuilt else [], open_incidents=urgent)


def _split(warehouse: Warehouse, models: Container[str]) -> tuple[list[Suite], list[str]]:
    """The suites that can be asked now, and the tables of the others: models that no run has built."""
    from incident_ledger.quality.checker import table_of

    now, unbuilt = [], []
    for suite in load_folders(warehouse.settings):
        table = table_of(suite, warehouse)
        is_model = table is not None and warehouse.name(table.dataset, table.table) in models
        if table is not None and is_model and not warehouse.table_exists(table.dataset, table.table):
            unbuilt.append(str(table))
        else:
            now.append(suite)
    return now, unbuilt


def _signals(warehouse: Warehouse, dbt: Dbt, batches: Sequence[BatchResult], as_of: datetime) -> list[Signal]:
    """The rows of `fct_signals` with these results recorded: its own SQL, over what they would be kept beside."""
    settings = warehouse.settings
    models = models_between(
        nodes_of(dbt.manifest()),
        (settings.raw_dataset, QUALITY_BREACHES.name),
        (settings.dataset, "fct_signals"),
    )
    compiled = dbt.compiled(models)
    columns = names(QUALITY_BREACHES)
    new_rows = rows_query(QUALITY_BREACHES, columns)
    parts = [f"all_breaches as ({known(warehouse, new_rows, as_of)})"]
    replaced = {warehouse.raw("quality_breaches").replace(".", "`.`"): "all_breaches"}
    for model in models:
        relation, sql = compiled[model]
        for name, stand_in in replaced.items():
            sql = sql.replace(name, stand_in)
        parts.append(f"{model} as (\n{sql}\n)")
        replaced[relation] = model
    query = f"with {', '.join(parts)} select {signal_columns()} from fct_signals"  # noqa: S608
    rows = [encode_row(QUALITY_BREACHES, row, columns) for row in batch_rows(batches, _RUN_ID, as_of)]
    return [to_signal(row) for row in warehouse.rows(query, {"items": canonical(rows)})]
