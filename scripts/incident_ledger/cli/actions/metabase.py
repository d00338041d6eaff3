"""`incident-ledger dashboard export`, `plan` and `publish`."""

from pathlib import Path

from incident_ledger.cli._console import out
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.metabase.definitions import load_content
from incident_ledger.metabase.serialization import export_files, write_files
from incident_ledger.settings import load_settings
from incident_ledger.variables import PREFIX


def export_dashboards(folder: Path) -> None:
    """Write the files. Raises `UserError` when Metabase's name of the database is not known."""
    settings = load_settings()
    if not settings.metabase_database:
        raise UserError(f"Set {PREFIX}METABASE_DATABASE to the name that the warehouse has in Metabase.")
    content = load_content(settings, Dbt(settings, settings.api_endpoint))
    files = write_files(folder, export_files(content, settings.metabase_collection, settings.metabase_database))
    out.print(
        f"{len(files)} files in {folder}: {len(content.dashboards)} dashboards with {len(content.cards)} cards, "
        f"of the dataset {content.origin}",
        soft_wrap=True,
    )
