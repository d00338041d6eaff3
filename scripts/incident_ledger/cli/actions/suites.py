"""`incident-ledger quality lint` and `new`: suites read and begun, without checking a table."""

import json
from pathlib import Path

import typer

from incident_ledger.cli._console import err, out
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.policy import load_files
from incident_ledger.quality.by_hand import NO_SUITE, folders
from incident_ledger.settings import Settings, load_settings
from incident_ledger.warehouse import Warehouse, connect


def lint(files: list[Path] | None) -> None:
    """Say what is wrong in suites, as far as can be known without their tables."""
    from incident_ledger.quality.lint import remarks
    from incident_ledger.quality.suites import load_folders, load_suite

    settings = load_settings()
    if missing := [file for file in files or () if not file.is_file()]:
        raise UserError(f"There is no suite {missing[0]}.")
    suites = [load_suite(file, str(file)) for file in files] if files else load_folders(settings)
    if not suites:
        raise UserError(f"There is no suite in {folders(settings)}: {NO_SUITE}")
    owners = list(_owners(settings))
    faults = 0
    for suite in suites:
        wrong = [suite.error] if suite.error else []
        wrong += [f"{suite.file}: {rule.label or rule.rule_id}: {rule.error}" for rule in suite.rules if rule.error]
        for text in wrong:
            err.print(f"error: {text}", style="red", soft_wrap=True)
        for text in remarks(suite, owners):
            err.print(f"note: {text}", style="yellow", soft_wrap=True)
        faults += len(wrong)
    rules = sum(len(suite.rules) for suite in suites)
    out.print(f"{len(suites)} suites with {rules} rules were read, {faults} cannot be evaluated.")
    raise typer.Exit(int(ExitCode.USER if faults else ExitCode.OK))


def new(table: str, *, file: Path | None, owner: str, force: bool) -> None:
    """Write a first suite from a table's columns, for a person to edit: keys, types, volume, freshness."""
    from incident_ledger.quality.first_suite import first_suite
    from incident_ledger.quality.lint import nearest
    from incident_ledger.quality.suites import TableName

    settings = load_settings()
    owners = _owners(settings)
    if owner not in owners:
        raise UserError(f"--owner {owner!r} is not a contact of the policy{nearest(owner, owners)}")
    name = TableName.parse(table, settings)
    target = file or settings.suite_dirs[0] / f"{name.table}.json"
    if target.exists() and not force:
        raise UserError(f"{target} is there already: --force writes over it, --file names another.")
    warehouse = connect(settings)
    columns = warehouse.table_columns(name.dataset, name.table)
    suite = first_suite(
        name.short(settings), columns, owner=owner, partition=_partition(warehouse, name.dataset, name.table)
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(suite, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}.") from None
    out.print(
        f"{target}: {len(suite['expectations'])} rules for {name}. Edit it, then: incident-ledger quality check "
        f"--table {name}",
        soft_wrap=True,
    )


def _owners(settings: Settings) -> list[str]:
    return list(load_files(settings.project_dir / "seeds" / "policy").contacts)


def _partition(warehouse: Warehouse, dataset: str, table: str) -> str | None:
    partitioning = warehouse.table(dataset, table).time_partitioning
    return partitioning.field if partitioning else None
