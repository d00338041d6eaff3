"""What a run and a tick make of a scenario."""

from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.job import Job
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
