"""Once a week: what is over for longer than any window of the policy is settled, so that ticks read what is current."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime

from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import IncidentLedgerError, LeaseHeldError, OutsideError
from incident_ledger.ledger.settling import LEAST_AGE, VIEW, current_since, monday, rescue, settle
from incident_ledger.notify.window import first_day
from incident_ledger.policy import Policy
from incident_ledger.quality.breaches import forget
from incident_ledger.runner.lease import RESPOND, lease_reading
from incident_ledger.runner.steps import Steps, counted
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read


def settle_step(
    steps: Steps,
    warehouse: Warehouse,
    dbt: Dbt,
    *,
    rules: Policy,
    as_of: datetime,
    lease: Callable[[], AbstractContextManager[object]],
) -> None:
    """Settle up to the Monday before the policy's longest window, and before everything that is still owed a message.

    Nobody waits for it: where another has the `lease`, or where it is not known what is owed, the next run does it.
    """
    last, wanted = current_since(warehouse), monday(min(first_day(rules, as_of), as_of - LEAST_AGE))
    if last is not None and last >= wanted:
        return
    with suppress(LeaseHeldError), lease():
        pending_since = read(warehouse, lease_reading(warehouse, RESPOND)).pending_since
        if pending_since is None:
            return
        before = min(wanted, monday(pending_since))
        if last is not None and before <= last:
            return
        # What fails is the step's alone: the events are written, and the reports do not depend on it.
        with suppress(IncidentLedgerError), steps.step("settle") as step:
            settled = settle(warehouse, before, as_of)
            _build(dbt, before, as_of)
            rescue(warehouse, before, as_of)
            forgotten = forget(warehouse, before)
            step.summary = f"{counted(settled, 'incident')} settled; current is since {before:%Y-%m-%d}"
            step.summary += f"; {counted(forgotten, 'check')} of past breaches forgotten" if forgotten else ""


def unsettle_for(dbt: Dbt, warehouse: Warehouse, as_of: datetime, *, is_all: bool) -> None:
    """Before a build: what is kept of settled incidents stays, or all incidents are made current and computed again.

    A view of current events that is built again has the Monday that it had. After the build they are settled again.
    """
    since = current_since(warehouse)
    dbt.needs_all_incidents = is_all
    dbt.current_since = None if is_all else since
    if is_all and since is not None:
        _build(dbt, None, as_of)


def _build(dbt: Dbt, before: datetime | None, as_of: datetime) -> None:
    dbt.current_since = before
    failed = [result for result in dbt.build_exactly([VIEW], as_of=as_of) if not result.is_success]
    if failed:
        raise OutsideError(f"dbt could not build {VIEW}", detail="\n".join(result.message for result in failed))
