"""Whether Metabase can be published to: its key, the database that it knows, and the datasets that it reads."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.settings import INCIDENT_PAGE, Settings
from incident_ledger.variables import PREFIX

_CHECK = "metabase"
_MART = "operational_metrics"
_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")


def check_metabase(settings: Settings) -> Iterator[Finding]:
    """Nothing where no Metabase is named. Nothing is changed there."""
    yield from _check_urls(settings)
    if not settings.metabase_url and settings.metabase_api_key is None:
        return
    from incident_ledger.metabase.api import connect_metabase
    from incident_ledger.metabase.remote import find_collection, find_database, tables_of

    try:
        api = connect_metabase(settings)
        database = find_database(api, settings.metabase_database)
        text = f"{settings.metabase_url} takes the key, and knows the database {database['name']}"
        yield Finding(_CHECK, Grade.OK, text)
        if (parts := urlsplit(api.url)).scheme == "http" and parts.hostname not in _OWN_MACHINE:
            text = f"the key goes to {parts.hostname} in the clear"
            yield Finding(_CHECK, Grade.WARN, text, f"Let {PREFIX}METABASE_URL begin with https://.")
        yield from _check_database(settings, database)
        schemas = {str(each.get("schema")) for each in tables_of(api, database["id"]) if each.get("name") == _MART}
        yield _check_tables(settings, schemas)
        collection = find_collection(api, settings.metabase_collection, f"{settings.project}.{settings.dataset}")
    except IncidentLedgerError as error:
        yield wrong(_CHECK, error)
        return
    if collection is None:
        text = f"the dashboards are not in {settings.metabase_collection} yet"
        yield Finding(_CHECK, Grade.WARN, text, "Publish them: incident-ledger dashboard publish")
    else:
        text = f"the collection {collection.name} has {len(collection.dashboards)} dashboards"
        yield Finding(_CHECK, Grade.OK, text)


def _check_urls(settings: Settings) -> Iterator[Finding]:
    from incident_ledger.dashboards.definition import FOLDER
    from incident_ledger.dashboards.dictionary import NAME as DICTIONARY

    for name in settings.dashboard_urls:
        if name not in (DICTIONARY, INCIDENT_PAGE) and not (settings.project_dir / FOLDER / name).is_dir():
            text = f"{PREFIX}DASHBOARD_URLS has an address for {name}, which is no dashboard of {FOLDER}"
            yield Finding(_CHECK, Grade.WARN, text, "Fix the name; its address has no effect.")


def _check_database(settings: Settings, database: Mapping[str, Any]) -> Iterator[Finding]:
    """Metabase shows the details of a connection only to who may change it; what is not shown is not judged."""
    details = database.get("details") or {}
    name = database["name"]
    project = details.get("project-id")
    remedy = f"Let {PREFIX}METABASE_DATABASE name the database of {settings.project}, or correct the connection."
    if database.get("engine") != "bigquery-cloud-sdk":
        yield Finding(_CHECK, Grade.WRONG, f"{name} is a database of {database.get('engine')}, not of BigQuery", remedy)
    elif project and project != settings.project:
        yield Finding(_CHECK, Grade.WRONG, f"{name} reads the project {project}, and not {settings.project}", remedy)
    patterns = [each.strip() for each in str(details.get("dataset-filters-patterns") or "").split(",") if each.strip()]
    is_named = any(fnmatchcase(settings.dataset, each) for each in patterns)
    kind = details.get("dataset-filters-type")
    if (kind == "inclusion" and not is_named) or (kind == "exclusion" and is_named):
        text = (
            f"{name} leaves the dataset {settings.dataset} out (it has an {kind} of {', '.join(patterns) or 'nothing'})"
        )
        yield Finding(_CHECK, Grade.WRONG, text, "Change the datasets of that connection in Metabase.")


def _check_tables(settings: Settings, schemas: set[str]) -> Finding:
    if settings.dataset in schemas:
        return Finding(_CHECK, Grade.OK, f"it has {_MART} of the dataset {settings.dataset}")
    if schemas:
        text = f"it has {_MART} of {', '.join(sorted(schemas))}, and not of the dataset {settings.dataset}"
    else:
        text = f"it has no {_MART} of the dataset {settings.dataset} yet"
    remedy = (
        f"Set {PREFIX}DATASET, or let Metabase sync the schema of the database; cards read the dataset of the target."
    )
    return Finding(_CHECK, Grade.WARN, text, remedy)
