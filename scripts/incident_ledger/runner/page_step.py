"""The dashboards' pages as the last step of a run, where a setting names their folder."""

from contextlib import suppress
from datetime import datetime

from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.runner.step_summaries import some_names
from incident_ledger.runner.steps import Outcome, Steps, counted
from incident_ledger.warehouse import Warehouse


def write_pages(steps: Steps, warehouse: Warehouse, dbt: Dbt, as_of: datetime) -> None:
    """Write them again, whole or not at all. What fails is the step's alone: everything else of the run is done."""
    folder = warehouse.settings.pages_dir
    if folder is None:
        return
    from incident_ledger.dashboards.render import render  # with templates, which most runs do without

    with suppress(IncidentLedgerError), steps.step("pages") as step:
        rendered = render(warehouse, dbt, folder, as_of)
        step.summary = f"{counted(rendered.files, 'page')}"
        step.detail |= {"folder": str(rendered.folder), "failed": dict(rendered.failed)}
        if rendered.failed:
            step.outcome = Outcome.FAILED
            step.summary += f"; could not be computed: {some_names(sorted(rendered.failed))}"
