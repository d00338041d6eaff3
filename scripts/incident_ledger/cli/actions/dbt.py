"""`incident-ledger dbt`: dbt with what it needs to know, such as where the local warehouse is."""

import os
import sys

from incident_ledger.cli._console import err, parse_time
from incident_ledger.dbt_runner import environment
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect


def dbt(arguments: list[str], as_of: str | None) -> None:
    """Run dbt on this project with the settings; starts the local warehouse. The exit code is dbt's own."""
    settings = load_settings()
    time = parse_time(as_of, "--as-of") if as_of else None
    warehouse = connect(settings)
    folders = dict.fromkeys(("DBT_PROJECT_DIR", "DBT_PROFILES_DIR"), str(settings.project_dir))
    variables = environment(warehouse.settings, warehouse.endpoint, time) | folders
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli(prog_name='dbt')", *arguments]
    if settings.target == "local" and arguments[:2] == ["docs", "generate"] and "--empty-catalog" not in arguments:
        command.append("--empty-catalog")
        text = (
            "note: without a catalog (--empty-catalog), since the local warehouse has no __TABLES__; describe has types"
        )
        err.print(text, style="yellow", soft_wrap=True)
    # In place of this process, so that Ctrl-C and the exit code are dbt's.
    os.execve(sys.executable, command, {**os.environ, **variables})  # noqa: S606 - our own interpreter
