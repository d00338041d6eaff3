"""All pages into one folder, whole or not at all: written beside it, then put in its place."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from incident_ledger.asking.question_files import FOLDER as QUESTION_FOLDER
from incident_ledger.asking.question_files import read_questions
from incident_ledger.dashboards.card_queries import ask_cards
from incident_ledger.dashboards.decision_log import read_decisions
from incident_ledger.dashboards.definition import Dashboard, load_dashboards
from incident_ledger.dashboards.dictionary import PAGE as DICTIONARY
from incident_ledger.dashboards.dictionary import dictionary, question_sources, sections, warnings
from incident_ledger.dashboards.freshness import read_freshness
from incident_ledger.dashboards.incident_pages import listed_incidents, read_pages
from incident_ledger.dashboards.page_html import (
    INDEX,
    QUESTIONS,
    dashboard_page,
    dictionary_page,
    incident_page_html,
    index_page,
    questions_page_html,
)
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.warehouse import Warehouse

_REMAINS_AFTER = 3600  # seconds
MARK = ".incident-ledger-pages"  # in a folder that `render` made and may replace


@dataclass(frozen=True)
class Rendered:
    """The folder, how many files it has, the cards (or marts) that could not be read, each with why; warnings."""

    folder: Path
    files: int
    failed: Mapping[str, str]
    warnings: Sequence[str] = ()

    @property
    def index(self) -> Path:
        """The page to begin with."""
        return self.folder / INDEX


def render(warehouse: Warehouse, dbt: Dbt, folder: Path, as_of: datetime) -> Rendered:
    """Ask every card and write every page. Builds nothing.

    Raises `UserError` for a definition that is wrong or a folder that holds anything else, `OutsideError` when dbt or
    the warehouse fails as a whole: the folder is then as it was.
    """
    folder = folder.resolve()
    check_folder(folder)
    dashboards = load_dashboards(warehouse.settings.project_dir)
    texts = text_pages(warehouse.settings.project_dir, dbt, dashboards, as_of)
    results = ask_cards(warehouse, dbt, dashboards, as_of)
    incidents, failed = read_pages(warehouse, listed_incidents(dashboards, results), as_of)
    try:
        fresh = read_freshness(warehouse, dbt.manifest(), list(results), as_of)
    except OutsideError as error:
        failed["build_state"], fresh = str(error).splitlines()[0], {}
    results = {name: replace(each, fresh_at=fresh.get(name)) for name, each in results.items()}
    ids = [page.incident.incident_id for page in incidents]
    files = {INDEX: index_page(dashboards, results, incidents, as_of)}
    files |= {f"{each.name}.html": dashboard_page(each, dashboards, results, ids, as_of) for each in dashboards}
    files |= {page.file: incident_page_html(page, dashboards, as_of) for page in incidents} | texts
    write_folder(folder, files)
    failed |= {name: each.error for name, each in results.items() if each.error}
    return Rendered(folder, len(files), failed, warnings(dashboards, dbt.manifest()))


def text_pages(project_dir: Path, dbt: Dbt, dashboards: Sequence[Dashboard], as_of: datetime) -> dict[str, str]:
    """The dictionary and the questions, from the project's files alone. Raises `UserError` for what is wrong there."""
    manifest, decisions = dbt.manifest(), read_decisions(project_dir)
    entries = dictionary(dashboards, manifest, decisions)
    sources = question_sources(manifest)
    questions = [
        (each, (project_dir / QUESTION_FOLDER / f"{each.name}.sql").read_text(encoding="utf-8"), sources[each.name])
        for each in read_questions(project_dir)
        if each.name in sources  # else its mart is off
    ]
    return {
        DICTIONARY: dictionary_page(entries, sections(entries, decisions), dashboards, as_of),
        QUESTIONS: questions_page_html(questions, dashboards, as_of),
    }


def check_folder(folder: Path) -> None:
    """Raises `UserError` when something would be replaced that `render` did not make."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise UserError(
            f"{folder} holds other files, which the pages would replace. Name an empty folder or a new one."
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is not a folder. Name one for the pages.")


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Replace what is in the folder by these files. A reader finds the old ones or the new ones, never some of each."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_remains(folder)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".new", dir=folder.parent))
    except OSError as error:
        raise UserError(f"The pages cannot be written beside {folder} ({error}). Name another folder.") from None
    try:
        for name, text in {**files, MARK: "Made by incident-ledger dashboard render.\n"}.items():
            (new / name).write_text(text, encoding="utf-8", errors="replace")
        new.chmod(0o777 & ~_umask())
        _replace(folder, new)
    except OSError as error:
        raise UserError(f"The pages cannot be written to {folder} ({error}). Name another folder.") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _replace(folder: Path, new: Path) -> None:
    """The new folder in the place of the old one, which is put back when that fails."""
    if not folder.exists():
        new.rename(folder)
        return
    old = new.with_suffix(".old")
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if not folder.exists():  # else another was quicker
            old.rename(folder)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _remove_remains(folder: Path) -> None:
    """What a run that was killed left beside the folder; one that is at work is younger than that."""
    for path in folder.parent.glob(f".{folder.name}.*"):
        if path.suffix in {".new", ".old"} and time.time() - path.stat().st_mtime > _REMAINS_AFTER:
            shutil.rmtree(path, ignore_errors=True)


def _umask() -> int:
    value = os.umask(0o077)
    os.umask(value)
    return value
