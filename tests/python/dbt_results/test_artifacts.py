"""Files of dbt, read: what they hold, or one line on what is wrong with them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dbt_results.results import manifest, node
from incident_ledger.dbt_results.artifacts import Manifest, RunResults, Sources, read_artifact
from incident_ledger.dbt_results.ingestion import ingest
from incident_ledger.dbt_results.node_results import name_of, of_freshness, of_run, project_of
from incident_ledger.errors import UserError

RUN = {
    "metadata": {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        "generated_at": "2026-03-02T06:00:00.500000Z",
        "invocation_id": "one",
        "dbt_version": "1.11.0",
    },
    "results": [{"unique_id": "model.shop.orders", "status": "success"}],
    "args": {"which": "build"},
}


def written(folder: Path, value: Any, name: str = "run_results.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize(("version", "models", "operations"), [("v5.dbt1.7.0", 35, 0), ("v6.dbt1.9.0", 36, 2)])
def test_a_real_run_says_what_it_says(shared_data: Path, version: str, models: int, operations: int) -> None:
    artifact = read_artifact(shared_data / "dbt_artifacts" / f"run_results.{version}.bigquery.json")
    assert isinstance(artifact, RunResults)
    results = list(of_run(artifact))
    kinds = [each.resource_type for each in results]
    assert (kinds.count("model"), kinds.count("test"), kinds.count("operation")) == (models, 20, operations)
    assert {each.status for each in results} == {"success", "pass"}
    assert {each.completed_at.tzname() for each in results} == {"UTC"}
    # The package `elementary` has more nodes than the project that uses it; without a manifest nobody knows better.
    assert project_of(results) == "elementary"


def test_a_table_that_was_made_whole_has_its_rows_and_no_other() -> None:
    answers = [
        {"code": "CREATE TABLE", "rows_affected": 100},
        {"code": "MERGE", "rows_affected": 7},
        {"code": "CREATE VIEW"},
    ]
    nodes = [
        {"unique_id": f"model.shop.m{place}", "status": "success", "adapter_response": answer}
        for place, answer in enumerate(answers)
    ]
    assert [each.rows for each in of_run(RunResults.model_validate({**RUN, "results": nodes}))] == [100, None, None]


def test_a_node_that_was_skipped_has_the_time_of_its_run(tmp_path: Path) -> None:
    artifact = read_artifact(written(tmp_path, RUN))
    assert isinstance(artifact, RunResults)
    assert next(of_run(artifact)).completed_at.isoformat() == "2026-03-02T06:00:00.500000+00:00"


def test_what_dbt_leaves_null_is_nothing() -> None:
    skipped = {"unique_id": "model.shop.a", "status": "skipped", "adapter_response": None, "message": None}
    (result,) = of_run(RunResults.model_validate({**RUN, "results": [skipped]}))
    assert (result.rows, result.message, result.failures) == (None, None, None)


def test_a_source_is_asked_at_its_snapshot(tmp_path: Path) -> None:
    metadata = {**RUN["metadata"], "dbt_schema_version": "https://schemas.getdbt.com/dbt/sources/v3.json"}  # type: ignore[dict-item]
    stale = {
        "unique_id": "source.shop.raw.orders",
        "status": "error",
        "max_loaded_at": "2026-02-28T00:00:00+00:00",
        "snapshotted_at": "2026-03-02T05:00:00+00:00",
    }
    broken = {"unique_id": "source.shop.raw.users", "status": "runtime error", "error": "no such table"}
    artifact = read_artifact(written(tmp_path, {"metadata": metadata, "results": [stale, broken]}, "sources.json"))
    assert isinstance(artifact, Sources)
    first, second = of_freshness(artifact)
    assert (first.name, first.completed_at.hour, first.message) == (
        "raw.orders",
        5,
        "its newest row is of 2026-02-28T00:00:00.000000Z",
    )
    assert (second.completed_at.hour, second.message) == (6, "no such table")


def test_a_manifest_may_lack_everything_but_its_nodes(tmp_path: Path) -> None:
    artifact = read_artifact(written(tmp_path, manifest([node("model.shop.orders")]), "manifest.json"))
    assert isinstance(artifact, Manifest)
    assert list(artifact.everything) == ["model.shop.orders"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (json.dumps(RUN)[:200], r"run_results\.json: .* dbt was perhaps stopped while it wrote"),
        ("", r"run_results\.json: "),
        ({**RUN, "metadata": {}}, r"is none of dbt's run_results\.json, sources\.json, manifest\.json"),
        ([], r"is none of dbt's"),
        (json.dumps(RUN).replace("run-results/v6", "run-results/v9"), r"schema run-results/v9; v5 and v6, of dbt 1\.7"),
        (json.dumps(RUN).replace("run-results/v6", "catalog/v1"), r"is none of dbt's"),
        ({**RUN, "results": [{"status": "success"}]}, r"results\.0\.unique_id: Field required"),
        ({**RUN, "results": [{"unique_id": "a", "status": "x", "failures": "many"}]}, r"results\.0\.failures"),
        ({**RUN, "results": [{"unique_id": "x" * 1001, "status": "pass"}]}, r"results\.0\.unique_id: .* at most 1000"),
        ({**RUN, "args": {"which": "compile"}}, r"is of `dbt compile`, which builds and tests nothing"),
        ({**RUN, "args": {"which": "build", "empty": True}}, r"with --empty, which read no rows"),
    ],
)
def test_what_is_no_result_of_a_run_is_named(tmp_path: Path, value: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_artifact(written(tmp_path, value))


def test_a_folder_without_results_is_no_target_folder(tmp_path: Path) -> None:
    written(tmp_path, manifest([]), "manifest.json")
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}: has no run_results.json and no sources.json")):
        ingest(None, [tmp_path], ingested_at=None)  # type: ignore[arg-type]  # refused before either is used
    with pytest.raises(UserError, match=r"no\.json: cannot be read \(No such file"):
        ingest(None, [tmp_path / "no.json"], ingested_at=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unique_id", "name"),
    [
        ("model.shop.orders", "orders"),
        ("model.shop.orders.v2", "orders.v2"),
        ("test.shop.not_null_orders_id.81cfe2fe64", "not_null_orders_id"),
        ("source.shop.raw.orders", "raw.orders"),
        ("odd", "odd"),
    ],
)
def test_a_node_is_called_as_a_person_calls_it(unique_id: str, name: str) -> None:
    assert name_of(unique_id) == name
