"""What a shell offers for an incident's ID: the open ones, where the warehouse answers at once; else nothing."""

import contextlib
import io
import threading

from incident_ledger.cli._console import visible
from incident_ledger.encoding import screen_line
from incident_ledger.ledger.lookup import LATEST
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_SECONDS = 2.0  # a person waits no longer for a key
_TITLE_CHARACTERS = 60

Offers = list[tuple[str, str]]


def open_incidents(beginning: str, *, seconds: float = _SECONDS) -> Offers:
    """Ids and titles, the worst first. No failure is shown, and none takes longer than `seconds`."""
    found: Offers = []
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        thread = threading.Thread(target=_look, args=(beginning, found), daemon=True)
        thread.start()
        thread.join(seconds)
        return [] if thread.is_alive() else found


def _look(beginning: str, found: Offers) -> None:
    with contextlib.suppress(Exception):
        incidents = sorted(_read(), key=lambda each: (each.severity_level, each.detection_time))
        found += [(each.incident_id, _words(each)) for each in incidents if _begins(each.incident_id, beginning)]
        if incidents and LATEST.startswith(beginning.casefold()):
            found.append((LATEST, "the newest open one"))


def _read() -> list[IncidentState]:
    settings = load_settings()
    if settings.target == "local" and settings.api_endpoint is None:
        from incident_ledger.warehouse.local.process import status

        server = status(settings.local_path)
        if not server.is_running or server.is_busy:
            return []  # it is not started for a key
    return read_state(connect(settings), is_open=True)


def _begins(incident_id: str, beginning: str) -> bool:
    """As `find_incident` takes it: with or without `INC-`, or the eight digits at the end."""
    parts = (incident_id, incident_id.removeprefix("INC-"), incident_id.rpartition("-")[2])
    return any(part.casefold().startswith(beginning.casefold()) for part in parts)


def _words(incident: IncidentState) -> str:
    return visible(f"{incident.severity_level} {screen_line(incident.title, _TITLE_CHARACTERS)}")
