"""The project built on the local warehouse over real data, and what it is compared with: the same by Google."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from engines.googlesql import Catalog, Columns, RefusedError, Result, execute
from engines.project import AS_OF, Project, compiled_queries, raw_catalog
from engines.recorder import Recorder
from engines.story import Story
from engines.values import type_name
from incident_ledger.asking.question_files import FOLDER as QUESTIONS
from incident_ledger.dashboards.definition import FOLDER
from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.metabase.questions import FOLDER as BESIDE_CARDS
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.client import Client
from incident_ledger.warehouse.tables import ensure_tables

_READERS = {
    "INT64": int,
    "FLOAT64": float,
    "NUMERIC": Decimal,
    "BOOL": lambda text: text.lower() == "true",
    "DATE": date.fromisoformat,
    "TIME": time.fromisoformat,
    "TIMESTAMP": lambda text: datetime.fromisoformat(text.replace(" UTC", "+00:00")),
    "JSON": json.loads,
}


@dataclass(frozen=True)
class Built:
    """The warehouse after a build of everything, how each node ended, and the folder with what dbt compiled.

    `again` are two later builds, each after a check: of what is incremental, and (after a correction) of all that is
    stored. `by_dbt` holds the statements of all three; `cards` the queries of the dashboards, of
    what Metabase has beside them, and of the questions, by name.
    """

    warehouse: Warehouse
    results: tuple[NodeResult, ...]
    unit_tests: tuple[NodeResult, ...]
    again: tuple[NodeResult, ...]
    by_dbt: Recorder
    target: Path
    cards: Mapping[str, str]

    @property
    def project(self) -> Project:
        """The queries as they were sent here, with the names of these datasets."""
        manifest = json.loads((self.target / "manifest.json").read_text())
        return Project(manifest, tuple(compiled_queries(manifest, "fresh")))

    def unit_test_queries(self) -> dict[str, str]:
        """The query of each unit test by model and name: it holds its rows and gives the actual and the expected."""
        folder = self.target / "unit_tests" / "run" / "incident_ledger"
        return {f"{file.parent.name}: {file.stem}": file.read_text() for file in sorted(folder.rglob("*.yml/**/*.sql"))}


def build(settings: Settings, shared_data: Path, archive_since: str) -> Built:
    """All seeds, models and unit tests over the archive since a day, the vendors' examples, usage and checks of it."""
    warehouse = connect(settings)
    ensure_tables(warehouse)
    dbt = Dbt(settings, warehouse.endpoint)
    target = settings.local_path / "target"
    story = Story(warehouse, shared_data, archive_since)
    story.begin()
    with Recorder().watch(Client.__base__) as by_dbt:  # dbt has a client of its own
        build = ["build", "--exclude-resource-type", "test", "unit_test", "--target-path"]
        results = dbt.invoke([*build, str(target)], as_of=AS_OF)
        again = [*build, str(target / "again"), "--select", "config.materialized:incremental"]
        story.check()
        later = dbt.invoke(again, as_of=AS_OF)
        story.check_again()
        later += dbt.invoke([*again, "config.materialized:table"], as_of=AS_OF)
    in_tests = target / "unit_tests"
    unit_tests = dbt.invoke(["test", "--select", "test_type:unit", "--target-path", str(in_tests)], as_of=AS_OF)
    folders = (FOLDER, BESIDE_CARDS, QUESTIONS)
    cards = {name: sql for folder in folders for name, sql in dbt.analyses(folder.as_posix()).items()}
    return Built(warehouse, tuple(results), tuple(unit_tests), tuple(later), by_dbt, target, cards)


@dataclass
class Reference:
    """The project computed by Google's reference implementation from the same raw rows."""

    catalog: Catalog
    refused: dict[str, str] = field(default_factory=dict)
    relations: dict[str, str] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)

    def keep(self, node: Mapping[str, Any], result: Result) -> None:
        """What a seed or model gave is what its children read."""
        self.catalog.add(node["relation_name"], result.columns, result.raw)
        self.relations[node["name"]], self.results[node["name"]] = node["relation_name"], result


def compute(built: Built) -> Reference:
    """Every model in order, each from the rows that its parents gave; raw rows as they are, seeds from their files."""
    settings, project = built.warehouse.settings, built.project
    made = Reference(raw_catalog(project.manifest, settings).catalog)
    for node in project.manifest["sources"].values():
        columns = made.catalog.tables[_path(node)]
        made.catalog.add_rows(
            node["relation_name"], columns, built.warehouse.rows(f"select * from {node['relation_name']}")
        )
    for node in project.manifest["nodes"].values():
        if node["resource_type"] == "seed":
            columns = made.catalog.tables[_path(node)]
            made.keep(node, Result.of(columns, _seed_rows(settings.project_dir, node, columns)))
    for query in project.ordered("model", "fresh"):
        node = project.node(query.node)
        try:
            result = execute(query.sql, made.catalog)
        except RefusedError as error:
            made.refused[node["name"]] = f"{query.path}: {error}"
            continue
        is_stored = node["config"]["materialized"] != "view"
        made.keep(node, result.without_null_arrays() if is_stored else result)
    return made


def _path(node: Mapping[str, Any]) -> tuple[str, str, str]:
    project, dataset, table = node["relation_name"].replace("`", "").split(".", 2)
    return project, dataset, table


def _seed_rows(folder: Path, node: Mapping[str, Any], columns: Columns) -> list[dict[str, Any]]:
    """The rows of a seed's file, not as the warehouse took them: an empty field is null."""
    with (folder / node["original_file_path"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    readers = {name: _READERS.get(type_name(kind), str) for name, kind in columns.items()}
    return [{name: readers[name](text) if text else None for name, text in row.items()} for row in rows]
