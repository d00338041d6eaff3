"""One morning: three exports, three runs. Generated data of 90 days, so that every table has something to say."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from incident_ledger.demo import incidents, people, usage
from incident_ledger.errors import UserError
from incident_ledger.importers.pipeline import take_in
from incident_ledger.importers.sources import read_documents
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.runner.run_report import RunReport
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.local.process import reset

SEED = 7
DAYS = 90
_OVER_AT = 9  # UTC: the hour of the last run
# A third of the API's usage records without their output tokens (P1), a tenth of Claude Code's without a user (P2).
_BROKEN = usage.FaultRates(usage_without_output=0.3, claude_code_without_email=0.1)
_CORRECTED = usage.FaultRates(usage_without_output=0.0)


def day_of(now: datetime) -> date:
    """The day of the last morning that is over: today, or before 09:00 UTC yesterday."""
    return (now.astimezone(UTC) - timedelta(hours=_OVER_AT)).date()


def morning(day: date) -> tuple[datetime, datetime, datetime]:
    """The three runs of a day's morning."""
    seven, eight, nine = (datetime.combine(day, time(hour), tzinfo=UTC) for hour in (7, 8, _OVER_AT))
    return seven, eight, nine


def folder_of(settings: Settings) -> Path:
    """Where the generated files are, to be looked at."""
    return settings.local_path / "demo"


def begin(settings: Settings) -> Warehouse:
    """An empty local warehouse for the story.

    Raises `UserError` when the warehouse is not the local one, or holds anything that the demo did not put there.
    """
    if settings.target != "local" or settings.api_endpoint is not None:
        raise UserError(
            "The demo is for the local warehouse. Unset INCIDENT_LEDGER_TARGET and INCIDENT_LEDGER_API_ENDPOINT."
        )
    folder = folder_of(settings)
    if (settings.local_path / "data").exists() and not folder.is_dir():
        raise UserError(
            f"{settings.local_path} holds data of your own, which the demo would replace. "
            "Give the demo another folder: INCIDENT_LEDGER_LOCAL_DIR=.demo make demo"
        )
    folder.mkdir(parents=True, exist_ok=True)
    reset(settings.local_path)
    return connect(settings)


def play(warehouse: Warehouse, day: date, run: Callable[[datetime, str], RunReport]) -> RunReport:
    """The morning: three exports and the run after each. `run` is the main job for a time, with what led to it.

    Returns the report of the last run.
    """
    folder = folder_of(warehouse.settings)
    seven, eight, nine = morning(day)
    _load(warehouse, folder / "07-00", seven, _BROKEN)
    run(seven, "The night's exports: a third of the usage records lack their output tokens")
    people.answer(warehouse, seven)
    _load(warehouse, folder / "08-00", eight, _CORRECTED, only="anthropic_usage")
    run(eight, "The usage report again, corrected")
    _load(warehouse, folder / "09-00", nine, _BROKEN, only="anthropic_usage")
    archive = incidents.generate(folder, seed=SEED, end=nine, days=DAYS)
    take_in(warehouse, StatuspageImporter(), read_documents([str(archive)]), nine)
    people.remember(warehouse, seed=SEED, at=nine)
    return run(nine, "The broken export once more, and a vendor's status page")


def _load(
    warehouse: Warehouse, folder: Path, at: datetime, rates: usage.FaultRates, *, only: str | None = None
) -> None:
    """Generate an export and land it as of `at`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = usage.generate(folder, seed=SEED, end_day=at.date() - timedelta(days=1), days=DAYS, rates=rates)
    for source, paths in files.items():
        if only in (None, source):
            load_usage(warehouse, source, paths, loaded_at=at)
