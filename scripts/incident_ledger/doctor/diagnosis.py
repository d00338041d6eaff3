"""What must be right for a run to work, checked one thing at a time; each finding says what to do.

Nothing of what the ledger holds is changed. The one thing that is written is a table of doctor's own in each dataset
(made, filled, read and dropped; it expires after an hour should doctor die between): whether a dataset's rights suffice
can be tried and not asked, since BigQuery names rights only of a table that is there, and documents that its answer may
be wrong (tables.testIamPermissions "may fail open").
"""

import importlib.metadata
import os
import platform
import uuid
from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
from packaging.requirements import Requirement

from incident_ledger import policy
from incident_ledger.doctor.channel_checks import check_channels, check_owed, check_templates
from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.doctor.metabase_checks import check_metabase
from incident_ledger.doctor.page_checks import check_dashboards
from incident_ledger.doctor.pipeline_checks import check_pipelines
from incident_ledger.doctor.sink_checks import check_arrivals, check_sinks
from incident_ledger.doctor.watch_checks import check_silences, check_watched
from incident_ledger.errors import ExitCode, IncidentLedgerError, StatementError, UserError
from incident_ledger.policy import Policy
from incident_ledger.settings import Settings, load_settings
from incident_ledger.variables import PREFIX, unknown_variables
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.tables import ALL as RAW_TABLES

REACH_SECONDS = 5.0
HOLIDAYS_AHEAD = timedelta(days=90)
# Packages that only the local warehouse needs.
LOCAL_PACKAGES = {"bqemulator", "duckdb", "duckdb-extensions", "duckdb-extension-spatial", "duckdb-extension-avro"}
NAMED_PACKAGES = ("dbt-core", "dbt-bigquery", "great-expectations", "google-cloud-bigquery", "bqemulator", "duckdb")


def examine(now: datetime, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """All checks in the order in which one needs the other; each is given out as soon as it is done.

    What cannot be checked because something before it is wrong is left out: the first wrong one is to be fixed first.
    """
    yield from check_versions()
    yield from check_variables(os.environ if environ is None else environ)
    try:
        settings = load_settings()
    except UserError as error:
        yield wrong("settings", error)
        return
    yield check_project(settings)
    files = yield from check_policy_files(settings, now)
    yield from check_channels(settings)
    if files is not None:
        yield from check_templates(settings, files, now)
    warehouse = yield from check_endpoint(settings)
    if warehouse is not None:
        with_datasets = yield from check_datasets(warehouse)
        yield from check_rights(warehouse, with_datasets)
        if settings.raw_dataset in with_datasets:
            yield check_raw_tables(warehouse)
            if files is not None and warehouse.table_exists(settings.raw_dataset, "notifications"):
                yield from check_owed(warehouse, files, now)
            if files is not None:
                yield from check_pipelines(warehouse, files, now)
                yield from check_watched(warehouse, files, now, os.environ if environ is None else environ)
            yield from check_silences(warehouse, now)
            yield from check_sinks(warehouse, now)
            yield from check_arrivals(warehouse, now)
        yield from check_policy_tables(warehouse, files)
    yield from check_suites(settings, warehouse, files.contacts if files else ())
    yield from check_dashboards(settings, warehouse, now)
    yield from check_metabase(settings)
    if warehouse is not None:
        warehouse.close()


def check_versions() -> Iterator[Finding]:
    """Python and the installed packages against what this package asks for."""
    required = [Requirement(text) for text in importlib.metadata.requires("incident-ledger") or []]
    wrong = []
    for requirement in (item for item in required if item.marker is None):
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append((requirement, "is not installed"))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append((requirement, f"is {version}"))
    for requirement, text in wrong:
        about = " (the local warehouse alone needs it)" if requirement.name in LOCAL_PACKAGES else ""
        what = f"{requirement.name} {text}, wanted {requirement.specifier or 'any version'}{about}"
        yield Finding("versions", Grade.WRONG, what, "Install the pinned versions: make setup")
    if not wrong:
        named = [f"{name} {importlib.metadata.version(name)}" for name in NAMED_PACKAGES]
        yield Finding("versions", Grade.OK, ", ".join([f"Python {platform.python_version()}", *named]))


def check_variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like settings and are not: a typing error sets nothing."""
    for name, nearest in unknown_variables(environ).items():
        remedy = f"Name it {nearest}." if nearest else "Unset it; README lists the settings that there are."
        yield Finding("settings", Grade.WARN, f"{name} is not a setting and is ignored", remedy)


def check_project(settings: Settings) -> Finding:
    """The folder of the dbt project."""
    missing = [name for name in ("dbt_project.yml", "profiles.yml", "models", "seeds/policy")
               if not (settings.project_dir / name).exists()]  # fmt: skip
    if missing:
        text = f"{settings.project_dir} has no {', '.join(missing)}"
        remedy = f"Run in the project's folder, or let {PREFIX}PROJECT_DIR name it."
        return Finding("settings", Grade.WRONG, text, remedy)
    where = settings.api_endpoint or ("the local warehouse" if settings.target == "local" else "BigQuery")
    return Finding("settings", Grade.OK, f"project {settings.project}, {where}, dbt project {settings.project_dir}")


def check_policy_files(settings: Settings, now: datetime) -> Generator[Finding, None, Policy | None]:
    """The seed files; gives back the policy, or None."""
    try:
        files = policy.load_files(settings.project_dir / "seeds" / "policy")
    except UserError as error:
        yield wrong("policy files", error)
        return None
    rows = sum(len(rows) for rows in files.tables.values())
    yield Finding("policy files", Grade.OK, f"{len(files.tables)} tables with {rows} rows, all checks passed")
    for contact in files.contacts_without_address:
        remedy = "Fill in email_primary in seeds/policy/contacts.csv; until then others are notified in their place."
        text = f"the contact {contact.role} has no address, and clocks are to notify it"
        yield Finding("policy files", Grade.WARN, text, remedy)
    if files.severities_without_rate:
        remedy = (
            "Fill in amount_per_hour in seeds/policy/money_rates.csv, or remove the rows: there is no estimate then."
        )
        text = f"no rate is given of {', '.join(files.severities_without_rate)}: the money at stake is not estimated"
        yield Finding("policy files", Grade.WARN, text, remedy)
    for level in files.quiet_severities:
        rule = files.response_rule(level, now)
        if rule.response_basis == "minutes":
            remedy = "Remove its row from seeds/policy/quiet_hours.csv, unless nobody is to be notified of it at night."
            text = f"quiet hours hold messages of {level}, which is to be answered within {rule.response_time}"
            yield Finding("policy files", Grade.WARN, text, remedy)
    last = max((row["holiday_date"] for row in files.tables["business_holidays"]), default=None)
    if last is None or last < (now + HOLIDAYS_AHEAD).date():
        remedy = "Add the coming years to seeds/policy/business_holidays.csv; its .yml says how."
        yield Finding("policy files", Grade.WARN, f"the list of holidays ends on {last or 'no day'}", remedy)
    return files


def check_endpoint(settings: Settings) -> Generator[Finding, None, Warehouse | None]:
    """Credentials, and whether anybody answers and runs a statement; gives back the warehouse, or None."""
    if settings.api_endpoint and (problem := _unreachable(settings.api_endpoint)):
        yield problem
        return None
    try:
        warehouse = connect(settings)
        yield Finding("credentials", Grade.OK, _whose(warehouse))
        warehouse.rows("select 1 as one")
    except IncidentLedgerError as error:
        yield wrong("endpoint", error, _remedy_for_rights(error, settings, "roles/bigquery.jobUser on the project"))
        return None
    where = warehouse.endpoint or "BigQuery"
    yield Finding("endpoint", Grade.OK, f"{where} answers and runs statements in {settings.project}")
    return warehouse


def _unreachable(endpoint: str) -> Finding | None:
    """Asked once, with a short patience, before the client tries more than once."""
    try:
        httpx.get(endpoint, timeout=REACH_SECONDS)
    except httpx.HTTPError as error:
        parts = urlsplit(endpoint)
        text = f"nothing answers at {parts.scheme}://{parts.netloc.rpartition('@')[2]} ({type(error).__name__})"
        remedy = f"Start what should be there, or unset {PREFIX}API_ENDPOINT to use the local warehouse."
        return Finding("endpoint", Grade.WRONG, text, remedy, ExitCode.OUTSIDE)
    return None


def _whose(warehouse: Warehouse) -> str:
    """Whose the credentials are, and never what they are."""
    if warehouse.settings.target == "local":
        return "none needed: the target is local"
    credentials = warehouse.client._credentials  # nothing public says whose they are
    account = getattr(credentials, "service_account_email", None) or getattr(credentials, "account", None)
    return f"of {account}" if account else f"of the kind {type(credentials).__name__}"


def check_datasets(warehouse: Warehouse) -> Generator[Finding, None, list[str]]:
    """Whether each dataset is there, and where; gives back the names of those that are."""
    settings = warehouse.settings
    there: list[str] = []
    missing: list[str] = []
    for name in (settings.raw_dataset, settings.dataset, settings.staging_dataset, settings.policy_dataset):
        try:
            with warehouse.map_bigquery_errors():
                dataset = warehouse.client.get_dataset(f"{settings.project}.{name}", timeout=30)
        except StatementError as error:
            if error.reason == "notFound":
                missing.append(name)
            else:
                remedy = _remedy_for_rights(error, settings, f"roles/bigquery.dataEditor on {name}")
                yield wrong("datasets", error, remedy)
            continue
        except IncidentLedgerError as error:
            yield wrong("datasets", error)
            return there
        there.append(name)
        if dataset.location and dataset.location.upper() != settings.location.upper():
            text = f"{name} is in {dataset.location}, and {PREFIX}LOCATION is {settings.location}"
            remedy = f"Set {PREFIX}LOCATION={dataset.location}: a statement cannot reach over two locations."
            yield Finding("datasets", Grade.WRONG, text, remedy)
        else:
            yield Finding("datasets", Grade.OK, f"{name} is there, in {settings.location}")
    if missing:
        remedy = "The first `incident-ledger run` makes what is missing."
        if settings.target == "prod":
            remedy += " It needs the right bigquery.datasets.create; or make them by hand: " + "; ".join(
                f"bq mk --location={settings.location} {settings.project}:{name}" for name in missing
            )
        yield Finding("datasets", Grade.WARN, f"not there yet: {', '.join(missing)}", remedy)
    return there


def check_rights(warehouse: Warehouse, datasets: list[str]) -> Iterator[Finding]:
    """A table of our own in each dataset: made, filled, read and dropped."""
    settings = warehouse.settings
    for name in datasets:
        table = warehouse.name(name, f"incident_ledger_doctor_{uuid.uuid4().hex}")
        step = "make a table in"
        try:
            warehouse.execute(
                f"create table {table} (n int64) options (expiration_timestamp = "
                "timestamp_add(current_timestamp(), interval 1 hour))"
            )
            step = "write to"
            warehouse.execute(f"insert into {table} (n) values (1)")  # noqa: S608 -- a name of our own
            step = "read from"
            warehouse.rows(f"select n from {table}")  # noqa: S608 -- a name of our own
            step = "drop a table from"
            warehouse.execute(f"drop table {table}")
        except IncidentLedgerError as error:
            remedy = _remedy_for_rights(error, settings, f"roles/bigquery.dataEditor on {name}")
            yield wrong("permissions", error, remedy, text=f"could not {step} {name}: {error}")
            if step != "make a table in":
                _drop(warehouse, table)
            continue
        yield Finding("permissions", Grade.OK, f"{name}: a table of doctor's own was made, filled, read and dropped")


def _drop(warehouse: Warehouse, table: str) -> None:
    try:
        warehouse.execute(f"drop table if exists {table}")
    except IncidentLedgerError:
        return  # it expires within the hour


def check_raw_tables(warehouse: Warehouse) -> Finding:
    """The tables that the runner writes."""
    raw = warehouse.settings.raw_dataset
    missing, other = [], []
    for spec in RAW_TABLES:
        if not warehouse.table_exists(raw, spec.name):
            missing.append(spec.name)
            continue
        kinds = {column.name: column.kind for column in warehouse.table_columns(raw, spec.name)}
        other += [f"{spec.name}.{name}" for name, kind, _mode in spec.columns if kinds.get(name) not in {kind}]
    if missing or other:
        text = "; ".join(
            f"{what} {', '.join(names)}"
            for what, names in (("not there:", missing), ("missing or of another type:", other))
            if names
        )
        return Finding("raw tables", Grade.WARN, f"{raw}: {text}", "The next run makes them, or says why it cannot.")
    return Finding("raw tables", Grade.OK, f"{raw}: all {len(RAW_TABLES)} are there with their columns")


def check_policy_tables(warehouse: Warehouse, files: Policy | None) -> Iterator[Finding]:
    """The warehouse's policy: there, whole, and as the files say."""
    check = "policy tables"
    try:
        loaded = policy.load(warehouse, patience=0)
    except UserError as error:
        is_missing = "incident-ledger policy load" in str(error)
        grade = Grade.WARN if is_missing else Grade.WRONG
        yield Finding(check, grade, str(error).splitlines()[0], "Put them there with: incident-ledger policy load")
        return
    except IncidentLedgerError as error:
        yield wrong(check, error)
        return
    if files is None:
        yield Finding(check, Grade.OK, "they can be used; the files cannot, so they were not compared")
        return
    changed = policy.differing(files, loaded)
    if changed:
        text = f"the files of {', '.join(changed)} say something else than the warehouse"
        yield Finding(check, Grade.WARN, text, "Load them with: incident-ledger policy load")
        for line in policy.rewritten(files, loaded):
            yield Finding(check, Grade.WARN, line.partition(". ")[0], line.partition(". ")[2] + ".")
    else:
        yield Finding(check, Grade.OK, f"{warehouse.settings.policy_dataset} says what the files say")


def check_suites(
    settings: Settings, warehouse: Warehouse | None = None, owners: Collection[str] = ()
) -> Iterator[Finding]:
    """The folders of suites, each suite as far as can be without its table, and what only a missing one would end.

    `owners` are the contacts of the policy, if that could be read.
    """
    from incident_ledger.quality.lint import remarks
    from incident_ledger.quality.suites import load_folders

    try:
        suites = load_folders(settings)
    except UserError as error:
        yield wrong("suites", error, f"Make the folder, or fix {PREFIX}SUITES.")
        return
    for suite in suites:
        faults = [f"{rule.label or rule.rule_id}: {rule.error}" for rule in suite.rules if rule.error]
        for fault in [suite.error] if suite.error else [f"{suite.file}: {fault}" for fault in faults]:
            yield Finding(
                "suites", Grade.WRONG, fault, "Fix the file; until then each run counts it as a failed check."
            )
        for remark in remarks(suite, owners):
            yield Finding(
                "suites", Grade.WARN, remark, "Fix the name in the file; a key that nobody reads has no effect."
            )
    if warehouse is not None:
        yield from _check_missed(warehouse, {suite.file for suite in suites})
    if not suites:
        text = f"no suite in {', '.join(str(folder) for folder in settings.suite_dirs)}"
        yield Finding("suites", Grade.WARN, text, f"Nothing is checked; {PREFIX}SUITES names the folders.")
        return
    rules = sum(len(suite.rules) for suite in suites)
    yield Finding("suites", Grade.OK, f"{len(suites)} suites with {rules} rules were read")


def _check_missed(warehouse: Warehouse, files: set[str]) -> Iterator[Finding]:
    """What is in breach by a suite that is not there any more."""
    sql = (
        f"select component, json_value(evidence, '$.suite') as suite from {warehouse.mart('fct_signals')} "  # noqa: S608
        "where source = 'quality' and ended_at is null order by component"
    )
    try:
        is_there = warehouse.table_exists(warehouse.settings.dataset, "fct_signals")
        breaches = warehouse.rows(sql) if is_there else []
    except IncidentLedgerError as error:
        yield wrong("suites", error)
        return
    for row in breaches:
        if row["suite"] not in files:
            text = (
                f"{row['component']} is in breach by {row['suite']}, which is not there any more: no check will end it"
            )
            remedy = "When it is over, say so: incident-ledger incident resolve ID; or put the suite back."
            yield Finding("suites", Grade.WARN, text, remedy)


def _remedy_for_rights(error: IncidentLedgerError, settings: Settings, role: str) -> str | None:
    if isinstance(error, StatementError) and error.reason == "accessDenied":
        return f"Ask who owns {settings.project} for {role}."
    return None
