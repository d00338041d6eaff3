"""The dbt project as BigQuery would see it: both branches of each model compiled, without a warehouse."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from unittest import mock

from engines.googlesql import Catalog, Columns, RefusedError, analyze
from engines.values import field_type, parse_type, simple, type_name
from incident_ledger.dbt_runner import Dbt
from incident_ledger.settings import Settings
from incident_ledger.warehouse.tables import ALL as RAW_TABLES

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
# What a query that a macro sends while compiling is told, by type: the newest row of an incremental model.
ANSWERS = {
    "TIMESTAMP": datetime(2025, 12, 31, 12, tzinfo=UTC),
    "DATE": date(2025, 12, 31),
    "INT64": 1,
    "FLOAT64": 1.0,
    "STRING": "x",
    "BOOL": True,
}
STEPS = ("model", "test", "analysis")


@dataclass(frozen=True)
class Query:
    """One statement of the project. `branch` is fresh, incremental (where that differs) or macro."""

    node: str
    kind: str
    path: str
    branch: str
    sql: str


@dataclass(frozen=True)
class Project:
    """The manifest, and every query that it compiles to."""

    manifest: Mapping[str, Any]
    queries: tuple[Query, ...]

    def node(self, unique_id: str) -> Mapping[str, Any]:
        """A model, seed, test, analysis or source by its id."""
        found: Mapping[str, Any] = self.manifest["nodes"].get(unique_id) or self.manifest["sources"][unique_id]
        return found

    def ordered(self, kind: str, branch: str) -> list[Query]:
        """The queries of one kind and branch, parents before children."""
        nodes = self.manifest["nodes"]
        graph = {
            name: [on for on in node["depends_on"].get("nodes", ()) if on in nodes] for name, node in nodes.items()
        }
        place = {name: position for position, name in enumerate(TopologicalSorter(graph).static_order())}
        chosen = [query for query in self.queries if (query.kind, query.branch) == (kind, branch)]
        return sorted(chosen, key=lambda query: place[query.node])


@dataclass
class Analysis:
    """What Google's analyzer made of a project: the catalogue of all that was accepted, and what was refused."""

    catalog: Catalog
    refused: dict[Query, str] = field(default_factory=dict)
    untyped: list[str] = field(default_factory=list)

    def told(self, kind: str) -> str:
        """The refusals of one kind of query, each with its file, branch and the analyzer's words."""
        mine = [(query, words) for query, words in self.refused.items() if query.kind == kind]
        return "\n\n".join(f"{query.path} ({query.node}, {query.branch}):\n{words}" for query, words in mine)


def compile_project(settings: Settings, folder: Path, *, model: str | None = None) -> Project:
    """Every model, test and analysis, with `is_incremental()` false and true. Sends nothing to a warehouse.

    With `model`: that one alone, as it is built first.
    """
    select = ["--select", model] if model else []
    queries: list[Query] = []
    dbt = Dbt(settings, settings.api_endpoint)
    manifest = dbt.manifest().writable_manifest().to_dict()
    promised = raw_catalog(manifest, settings).catalog
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            promised.add(node["relation_name"], _declared(node, []))
    for branch in ("fresh",) if model else ("fresh", "incremental"):
        target = folder / branch
        with _no_warehouse(promised, is_built=branch == "incremental") as asked:
            dbt.invoke(["compile", "--no-populate-cache", "--target-path", str(target), *select], as_of=AS_OF)
        manifest = json.loads((target / "manifest.json").read_text())
        known = {(query.node, query.sql) for query in queries}
        queries += [q for q in compiled_queries(manifest, branch) if (q.node, q.sql) not in known]
        queries += [Query("macro", "macro", "a query that a macro sends", "macro", sql) for sql in dict.fromkeys(asked)]
    return Project(manifest, tuple(queries))


def compiled_queries(manifest: Mapping[str, Any], branch: str) -> list[Query]:
    """What a manifest holds compiled."""
    return [
        Query(name, node["resource_type"], node["original_file_path"], branch, node["compiled_code"])
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in STEPS and node.get("compiled_code")
    ]


@contextmanager
def _no_warehouse(promised: Catalog, *, is_built: bool) -> Iterator[list[str]]:
    """dbt is told that every table exists, or none does, and what it asks while compiling is written down."""
    from dbt.adapters.bigquery import BigQueryAdapter

    asked: list[str] = []

    def get_relation(adapter: Any, database: str, schema: str, identifier: str) -> Any:
        if not is_built:
            return None
        return adapter.Relation.create(database=database, schema=schema, identifier=identifier, type="table")

    def execute(_: Any, sql: str, *__: Any, **___: Any) -> Any:
        asked.append(sql)
        return mock.Mock(code="OK"), _answer(sql, promised)

    with (
        mock.patch.object(BigQueryAdapter, "get_relation", get_relation),
        mock.patch.object(BigQueryAdapter, "execute", execute),
        # Of a sink's table nothing is known: a model reads all columns that are declared.
        mock.patch.object(BigQueryAdapter, "get_columns_in_relation", lambda *_: []),
    ):
        yield asked


def _answer(sql: str, promised: Catalog) -> Any:
    """One row of the types that the query has."""
    import agate

    try:
        columns = analyze(sql, promised)
    except RefusedError:  # told as a refusal of the macro's query, later
        columns = {"answer": simple("TIMESTAMP")}
    values = {name: ANSWERS[type_name(kind)] for name, kind in columns.items()}
    kinds = {
        datetime: agate.DateTime, date: agate.Date, int: agate.Number, float: agate.Number, str: agate.Text,
        bool: agate.Boolean,
    }  # fmt: skip
    types = [kinds[type(value)]() for value in values.values()]
    return agate.Table([tuple(values.values())], column_names=list(values), column_types=types)


def raw_catalog(manifest: Mapping[str, Any], settings: Settings) -> Analysis:
    """The tables that are there before any model: what the runner writes, other sources, and seeds."""
    made = Analysis(Catalog(settings.project, settings.dataset))
    for spec in RAW_TABLES:
        columns = {name: field_type({"type": kind, "mode": mode}) for name, kind, mode in spec.columns}
        made.catalog.add(f"{settings.project}.{settings.raw_dataset}.{spec.name}", columns)
    for node in manifest["sources"].values():
        if tuple(node["relation_name"].replace("`", "").split(".", 2)) not in made.catalog.tables:
            made.catalog.add(node["relation_name"], _declared(node, made.untyped))
    for node in manifest["nodes"].values():
        if node["resource_type"] == "seed":
            made.catalog.add(node["relation_name"], _declared(node, made.untyped))
    return made


def analyze_project(project: Project, settings: Settings) -> Analysis:
    """Every query of the project through the analyzer; a model's columns are what its parents' columns make of it."""
    made = raw_catalog(project.manifest, settings)
    for query in project.ordered("model", "fresh"):
        node = project.node(query.node)
        columns = _accept(made, query)
        if columns is None:  # a refused model would have its children refused too: go on with what it promises
            columns = _declared(node, [])
        if node["config"]["materialized"] != "ephemeral":
            made.catalog.add(node["relation_name"], columns)
    made.catalog.register()
    for query in project.queries:
        if (query.kind, query.branch) != ("model", "fresh"):
            _accept(made, query)
    return made


def _accept(analysis: Analysis, query: Query) -> Columns | None:
    # Cards of dashboards are queries with the time of the page as their parameter.
    params = {"as_of": simple("TIMESTAMP")} if query.kind == "analysis" else None
    try:
        return analyze(query.sql, analysis.catalog, params)
    except RefusedError as error:
        analysis.refused[query] = str(error)
        return None


def contract_breaches(project: Project, analysis: Analysis) -> list[str]:
    """Columns whose declared type is not what the analyzer infers, and columns that are only on one side."""
    found = []
    for node in project.manifest["nodes"].values():
        declared = {name: column["data_type"] for name, column in node["columns"].items() if column["data_type"]}
        if node["resource_type"] != "model" or not declared:
            continue
        inferred = analysis.catalog.tables[tuple(node["relation_name"].replace("`", "").split(".", 2))]  # type: ignore[index]
        for name in declared.keys() | inferred.keys():
            said = type_name(parse_type(declared[name])) if name in declared else "nothing"
            is_ = type_name(inferred[name]) if name in inferred else "nothing"
            if said != is_:
                found.append(f"{node['name']}.{name}: its YAML says {said}, its SQL gives {is_}")
    return sorted(found)


def _declared(node: Mapping[str, Any], untyped: list[str]) -> Columns:
    """The columns of a seed or source by its YAML; a seed's `column_types` say what dbt makes of it."""
    types = {name.lower(): kind for name, kind in (node.get("config", {}).get("column_types") or {}).items()}
    columns = {}
    for name, column in node["columns"].items():
        kind = types.get(name.lower()) or column["data_type"]
        if kind is None:
            untyped.append(f"{node['name']}.{name}")
        columns[name] = parse_type(kind or "string")
    return columns
