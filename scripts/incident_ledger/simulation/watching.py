"""What a run and a tick make of a scenario, and of days on which nothing happens."""

from collections.abc import Callable
from datetime import datetime

from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import OutsideError
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.found_signals import detectors, record_found
from incident_ledger.runner.job import Job
from incident_ledger.simulation.normal_days import NormalDays
from incident_ledger.simulation.stage import Played
from incident_ledger.warehouse import Warehouse


def look_at(warehouse: Warehouse, played: Played) -> list[IncidentState]:
    """The incidents that are open after each look was taken, one after the other, and were not before."""
    before = {each.incident_id for each in read_state(warehouse, is_open=True)}
    for look in played.looks:
        job = Job(warehouse, look.at, command=look.command)
        if look.command == "run":
            job.run()
        else:
            job.tick()
    return [each for each in read_state(warehouse, is_open=True) if each.incident_id not in before]


def live(
    warehouse: Warehouse, normal: NormalDays, *, on_look: Callable[[datetime], object] = lambda _: None
) -> list[IncidentState]:
    """All incidents of normal days, which are written and looked at in turn: the detectors of a run, and a tick."""
    dbt = Dbt(warehouse.settings, warehouse.endpoint)
    models = [f"+{model}" for model in detectors(warehouse.settings)]
    for at in normal.looks():
        on_look(at)
        normal.arrive(at)
        failed = [each for each in dbt.invoke(["run", "--select", *models], as_of=at) if not each.is_success]
        if failed:
            raise OutsideError(f"{failed[0].name} could not be built: {failed[0].message}")
        record_found(warehouse)
        Job(warehouse, at, command="tick").tick()
    return list(read_state(warehouse))
