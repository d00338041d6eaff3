"""Who reads a table: marts and exposures below it, the nearest first."""

from types import SimpleNamespace
from typing import Any

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.runner.lineage import readers
from incident_ledger.settings import Settings


def node(kind: str, name: str, *parents: str, folder: str = "marts", **more: Any) -> SimpleNamespace:
    fqn = ["p", folder, name]
    return SimpleNamespace(
        resource_type=kind, name=name, schema="ds", identifier=name, fqn=fqn, depends_on_nodes=list(parents), **more
    )


def manifest(**nodes: SimpleNamespace) -> SimpleNamespace:
    kinds = {name: each.resource_type for name, each in nodes.items()}
    of_kind = {kind: {name: nodes[name] for name in nodes if kinds[name] == kind} for kind in ("source", "exposure")}
    others = {name: each for name, each in nodes.items() if kinds[name] not in of_kind}
    return SimpleNamespace(nodes=others, sources=of_kind["source"], exposures=of_kind["exposure"])


def test_marts_and_exposures_below_a_table_are_named_the_nearest_first() -> None:
    found = readers(
        manifest(
            raw=node("source", "raw"),
            stg=node("model", "stg", "raw", folder="staging"),
            far=node("model", "a_far_mart", "near"),
            near=node("model", "near_mart", "stg"),
            test=node("test", "not_null_near", "near"),
            page=node("exposure", "page", "near", label="System health", type="dashboard"),
        )
    )
    assert found["ds.raw"] == ["near_mart", "a_far_mart", "System health (dashboard)"]
    assert found["ds.near_mart"] == ["a_far_mart", "System health (dashboard)"]
    assert "ds.a_far_mart" not in found


def test_many_readers_are_cut_and_a_circle_ends() -> None:
    many = {f"m{number:02}": node("model", f"m{number:02}", "raw", "m00") for number in range(40)}
    assert readers(manifest(raw=node("source", "raw"), **many))["ds.raw"] == [f"m{number:02}" for number in range(12)]


def test_the_project_says_who_reads_its_exports() -> None:
    found = readers(Dbt(Settings(project_dir=PROJECT_DIR), None).manifest())
    assert found["ai_usage_prod_staging.stg_anthropic__usage"] == ["fct_usage_daily"]
    assert found["ai_usage_prod.rpt_incident_durations"] == ["rpt_mttr", "Incident review (dashboard)"]
