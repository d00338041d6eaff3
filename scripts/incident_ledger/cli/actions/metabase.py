"""`incident-ledger dashboard export`, `plan` and `publish`."""

import json
import shlex
from pathlib import Path

from incident_ledger.cli._console import err, out
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import IncidentLedgerError, UserError
from incident_ledger.metabase.api import connect_metabase
from incident_ledger.metabase.columns import publish_columns
from incident_ledger.metabase.content import Content
from incident_ledger.metabase.definitions import load_content
from incident_ledger.metabase.publishing import Published, Publisher
from incident_ledger.metabase.serialization import export_files, write_files
from incident_ledger.settings import load_settings
from incident_ledger.variables import PREFIX


def export_dashboards(folder: Path) -> None:
    """Write the files. Raises `UserError` when Metabase's name of the database is not known."""
    settings = load_settings()
    if not settings.metabase_database:
        raise UserError(f"Set {PREFIX}METABASE_DATABASE to the name that the warehouse has in Metabase.")
    content = _warned(load_content(settings, Dbt(settings, settings.api_endpoint)))
    files = write_files(folder, export_files(content, settings.metabase_collection, settings.metabase_database))
    out.print(
        f"{len(files)} files in {folder}: {len(content.dashboards)} dashboards with {len(content.cards)} cards, "
        f"of the dataset {content.origin}",
        soft_wrap=True,
    )


def publish_dashboards(*, is_plan: bool, overwrite: bool, with_columns: bool) -> None:
    """Show what Metabase lacks, or make it so. What a person edited is named and stays, unless it is overwritten."""
    settings = load_settings()
    api = connect_metabase(settings)
    dbt = Dbt(settings, settings.api_endpoint)
    content = _warned(load_content(settings, dbt))
    publisher = Publisher(
        api,
        content,
        database=settings.metabase_database,
        collection=settings.metabase_collection,
        overwrite=overwrite,
        is_plan=is_plan,
    )
    try:
        published = publisher.run()
    except IncidentLedgerError:
        if publisher.begun and not is_plan:
            err.print(f"{len(publisher.begun)} changes were begun; publish again goes on from there.", soft_wrap=True)
        raise
    if with_columns:
        columns = publish_columns(api, settings, dbt, overwrite=overwrite, is_plan=is_plan)
        published = Published([*published.changes, *columns.changes], published.urls)
    _show(published, settings.dashboard_urls, is_plan=is_plan)


def _warned(content: Content) -> Content:
    for each in content.warnings:
        err.print(f"warning: {each}", soft_wrap=True)
    return content


def _show(published: Published, urls: dict[str, str], *, is_plan: bool) -> None:
    for change in published.writes:
        words = f"{change.action} {change.kind} {change.name}"
        out.print(f"{words}: {change.text}" if change.text else words, soft_wrap=True)
    for change in published.left:
        err.print(f"left alone: {change.kind} {change.name}: {change.text}", soft_wrap=True)
    verb = "to change" if is_plan else "changed"
    out.print(
        f"{len(published.writes)} {verb}, {published.kept} as defined, {len(published.left)} left alone", soft_wrap=True
    )
    known = urls | dict(published.urls)  # with the dictionary's, which is not Metabase's
    if known != urls:
        value = shlex.quote(json.dumps(known))
        out.print(f"For messages and exposures: export {PREFIX}DASHBOARD_URLS={value}", soft_wrap=True)
