"""What Metabase is to know of the marts' columns: descriptions, keys, and what a key refers to, by dbt-metabase.

dbt-metabase reads dbt's manifest, finds what Metabase has otherwise, and asks for updates. It does so here through a
client that keeps them: what it would reset of people's own (names, visibility) is dropped, a description that is there
and differs is left alone, and what remains goes through `MetabaseApi`, whose calls end and follow no redirect.
"""

import copy
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from incident_ledger.dbt_runner import Dbt
from incident_ledger.metabase.api import MetabaseApi, MetabaseError
from incident_ledger.metabase.publishing import Change, Published
from incident_ledger.metabase.remote import find_database
from incident_ledger.settings import Settings

Json = dict[str, Any]
# What a mart's column refers to wherever it has this name: dbt has no test of it for each mart.
_REFERENCES = {"incident_id": "operational_metrics", "severity_level": "dim_severities"}
_KEYS = ("type/PK", "type/FK")
_LOGGER = "dbtmetabase"


class _Client:
    """What dbt-metabase takes for Metabase: answers once read, and updates that are kept and not sent."""

    def __init__(self, database: Mapping[str, Any], metadata: Json) -> None:
        self._database, self._metadata = database, metadata
        self.tables: list[tuple[int, Json]] = []
        self.fields: list[tuple[int, Json]] = []

    def find_database(self, name: str) -> Mapping[str, Any]:
        del name
        return self._database

    def sync_database_schema(self, uid: str) -> None:
        """Nothing: Metabase syncs by its own schedule, and who asks for a plan changes nothing."""

    def get_database_metadata(self, uid: str) -> Json:
        del uid
        return copy.deepcopy(self._metadata)

    def update_table(self, uid: int, body: Json) -> None:
        self.tables.append((uid, body))

    def update_field(self, uid: int, body: Json) -> None:
        self.fields.append((uid, body))


def publish_columns(
    api: MetabaseApi, settings: Settings, dbt: Dbt, *, overwrite: bool = False, is_plan: bool = False
) -> Published:
    """Compare the marts' columns, and send what is to be another. Raises as `MetabaseApi` does."""
    database = find_database(api, settings.metabase_database)
    metadata = api.get(f"/database/{database['id']}/metadata", {"include_hidden": "true"})
    if not isinstance(metadata, dict) or not isinstance(metadata.get("tables"), list):
        raise MetabaseError(f"Metabase's answer to GET /database/{database['id']}/metadata has no tables.")
    tables = [each for each in metadata["tables"] if each.get("schema") == settings.dataset]
    manifest = dbt.manifest().writable_manifest().to_dict()
    client, notes = _compared(manifest, settings.dataset, database, metadata | {"tables": tables})
    changes = [Change("leave", "column", name, "is not in Metabase yet, or has another shape there") for name in notes]
    known = {each["id"]: (each["name"], each) for each in tables}
    fields = {field["id"]: (f"{table['name']}.{field['name']}", field) for table in tables for field in table["fields"]}
    for path, updates, things in (("table", client.tables, known), ("field", client.fields, fields)):
        for ident, body in updates:
            name, there = things[ident]
            wanted, left = _allowed(body, there, overwrite=overwrite)
            if left:
                changes.append(Change("leave", "column", name, f"has another {left} in Metabase"))
            if wanted:
                changes.append(Change("update", "column", name, ", ".join(wanted)))
                if not is_plan:
                    api.put(f"/{path}/{ident}", wanted)
    return Published(changes, {})


def _allowed(body: Mapping[str, Any], there: Mapping[str, Any], *, overwrite: bool) -> tuple[Json, str]:
    """Of an update what may be sent, and what a person (or an older dbt) has otherwise."""
    wanted: Json = {}
    left = ""
    if body.get("description"):
        if there.get("description") and not overwrite:
            left = "description"
        else:
            wanted["description"] = body["description"]
    kind = body.get("semantic_type", there.get("semantic_type"))
    if kind in _KEYS:
        if there.get("semantic_type") not in _KEYS or overwrite:
            wanted |= {name: body[name] for name in ("semantic_type", "fk_target_field_id") if body.get(name)}
        elif "semantic_type" in body or "fk_target_field_id" in body:
            left = ", ".join(filter(None, (left, "key")))
    return wanted, left


def _compared(
    manifest: Json, dataset: str, database: Mapping[str, Any], metadata: Json
) -> tuple[_Client, Sequence[str]]:
    """The client with all updates, and the names of what dbt-metabase could not find in Metabase."""
    from dbtmetabase import DbtMetabase, Filter
    from dbtmetabase.errors import MetabaseStateError
    from dbtmetabase.manifest import Manifest

    client = _Client(database, metadata)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.json"
        path.write_text(json.dumps(_with_references(manifest, dataset), default=str), encoding="utf-8")

        class Exporter(DbtMetabase):  # type: ignore[misc]
            """dbt-metabase's comparison over this client."""

            manifest = Manifest(path)
            metabase = client

            def __init__(self) -> None:
                """Without a session of its own."""

        # What it could not find is in its messages; it looks once, after five seconds for a sync that is not asked for.
        with _messages() as messages, suppress(MetabaseStateError):
            Exporter().export_models(
                metabase_database=database["name"],
                schema_filter=Filter(include=[dataset]),
                skip_sources=True,
                sync_timeout=0,
            )
    return client, messages


def _with_references(manifest: Json, dataset: str) -> Json:
    """The manifest, in which columns of the marts say what they refer to."""
    for node in manifest["nodes"].values():
        if node.get("resource_type") != "model" or node.get("schema") != dataset:
            continue
        for name, column in node.get("columns", {}).items():
            target = _REFERENCES.get(name)
            if target is not None and target != node["name"]:
                column["meta"] = {
                    "metabase.fk_target_table": f"{dataset}.{target}",
                    "metabase.fk_target_field": name,
                    **(column.get("meta") or {}),
                }
    return manifest


@contextmanager
def _messages() -> Iterator[list[str]]:
    """The tables and columns that it logs as not there, which then reach no terminal."""
    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR and record.args:
                found.append(".".join(map(str, record.args)).lower())

    logger, handler = logging.getLogger(_LOGGER), Handler()
    propagate = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
