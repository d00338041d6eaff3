"""The project's own rules, read from dbt's manifest. Each rule is seen to fail once, on a project that breaks it."""

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.settings import Settings
from marts.keys import KEYS, KEYS_OF_USAGE

Node = dict[str, Any]
Rule = Callable[[Node], Iterator[str]]

WHAT_SQL_DOES = (
    "aggregated|derived|unioned|unpivoted|grouped|sequenced|history|measured|compared|estimated|reconciled"
    "|business_days|deadlines"
)
# By layer. The exceptions are the playbook's names and what reads like one of them.
NAMES = {
    "staging": r"(stg|base)_[a-z0-9]+__[a-z0-9_]+",
    "intermediate": rf"int_(signals__[a-z]+|[a-z0-9_]+_({WHAT_SQL_DOES}|by_period)|build_time)",
    "marts": r"(fct|dim|rpt|bridge)_[a-z0-9_]+|operational_metrics|incident_(state|deadlines)",
    "metrics": r"metricflow_time_spine",
}
# Models without a test of their key on each build, which would read their whole history: those of `marts.test_keys`
# have it there, and the marts on top of them on each build as well, as `int_signals__quality` has the key of
# `int_quality_breaches_grouped`; those of lines of usage are tested with the mart (`usage/test_daily.py`). Two loads
# at once may both write a row of `stg_ledger__usage_loads`, and who reads it counts loads once; so it is with two
# writers of an event and `base_ledger__incident_events`; two checks of a batch may have one time. The days of
# `int_usage_volumes_aggregated` are made, each once. A revision has no key
# of its own, and what is summed up of them is grouped by day, report and load.
WITHOUT_TESTED_KEY = {
    *KEYS,
    *KEYS_OF_USAGE,
    "int_quality_breaches_grouped",
    "int_cursor_usage_unioned",
    "int_usage_unioned",
    "int_usage_reconciled",
    "stg_ledger__usage_loads",
    "base_ledger__incident_events",
    "int_quality_checks_unioned",
    "int_usage_volumes_aggregated",
    "base_usage__revisions",
    "int_usage_totals_history",
    "int_usage_totals_compared",
}
# Its days are asked of the warehouse while it is compiled, which a unit test cannot do: tests/python/usage has it.
# Reports of sources that may be switched off have their unit tests where these are on, as in tests/python/engines.
WITHOUT_UNIT_TEST = {
    "fct_usage_freshness",
    "rpt_key_rotation",
    "rpt_pipeline_activity",
    "rpt_security_activity",
}
STAGED = re.compile(r"\.(stg|base)_")
KEY_TESTS = {"unique", "unique_in_recent_days", "unique_combination_of_columns"}


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What dbt knows of the project."""
    settings = Settings(
        project_dir=PROJECT_DIR, api_endpoint="http://127.0.0.1:1", local_dir=tmp_path_factory.mktemp("m")
    )
    parsed: dict[str, Any] = json.loads(
        json.dumps(Dbt(settings, settings.api_endpoint).manifest().to_dict(), default=str)
    )
    return parsed


def layer(node: Node) -> str:
    """staging, intermediate, marts or metrics."""
    return str(node["fqn"][1])


def models(manifest: dict[str, Any]) -> list[Node]:
    """Every model, with the tests that look at it under `tests`, and all macros behind its SQL under `macros_used`."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    for node in nodes:
        node["tests"] = [
            test["test_metadata"]["name"]
            for test in manifest["nodes"].values()
            if test["resource_type"] == "test"
            and test.get("attached_node") == node["unique_id"]
            and test.get("test_metadata")
        ]
        node["macros_used"] = macros_used(node["depends_on"]["macros"], manifest["macros"])
    return nodes


def macros_used(names: Iterable[str], macros: dict[str, Node]) -> set[str]:
    """The project's macros of these unique ids, and those that they call."""
    found: set[str] = set()
    ahead = [name for name in names if name.startswith("macro.incident_ledger.")]
    while ahead:
        name = ahead.pop()
        if name.split(".")[-1] not in found:
            found.add(name.split(".")[-1])
            ahead += [
                each for each in macros[name]["depends_on"]["macros"] if each.startswith("macro.incident_ledger.")
            ]
    return found


def tables(manifest: dict[str, Any]) -> list[Node]:
    """Every model, seed and source."""
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    return [*models(manifest), *seeds, *manifest["sources"].values()]


def the_description_begins_with_the_grain(node: Node) -> Iterator[str]:
    if not re.match(r"One row (per|a|an) ", node["description"]):
        yield f"{node['name']}: {node['description'][:60]!r}"


def every_column_of_sources_seeds_and_marts_has_a_type_and_a_description(node: Node) -> Iterator[str]:
    if node["resource_type"] == "model" and layer(node) in {"staging", "intermediate"}:
        return
    if not node["columns"]:
        yield f"{node['name']}: no columns"
    for column in node["columns"].values():
        if not column["description"] or not column["data_type"]:
            yield f"{node['name']}.{column['name']}"


def marts_have_a_contract_a_group_and_are_public(node: Node) -> Iterator[str]:
    if layer(node) == "marts":
        if not node["config"]["contract"]["enforced"]:
            yield f"{node['name']}: no contract"
        if not node["group"]:
            yield f"{node['name']}: no group"
        if node["access"] != "public":
            yield f"{node['name']}: access is {node['access']}"


def others_are_protected(node: Node) -> Iterator[str]:
    if layer(node) != "marts" and node["access"] != "protected":
        yield f"{node['name']}: access is {node['access']}"


def only_staging_reads_sources(node: Node) -> Iterator[str]:
    sources = [name for name in node["depends_on"]["nodes"] if name.startswith("source.")]
    if layer(node) != "staging" and sources:
        yield f"{node['name']} reads {sources}"
    others = [name for name in node["depends_on"]["nodes"] if name not in sources and not STAGED.search(name)]
    if layer(node) == "staging" and others:
        yield f"{node['name']} reads {others}"


def reports_read_marts_and_intermediates(node: Node) -> Iterator[str]:
    staged = [name for name in node["depends_on"]["nodes"] if STAGED.search(name)]
    if node["name"].startswith("rpt_") and staged:
        yield f"{node['name']} reads {staged}"


def names_say_the_layer(node: Node) -> Iterator[str]:
    if not re.fullmatch(NAMES[layer(node)], node["name"]):
        yield f"{node['name']} in {layer(node)}"


def a_yaml_stands_beside_each_model(node: Node) -> Iterator[str]:
    beside = str(Path(node["original_file_path"]).with_suffix(".yml"))
    if not (node["patch_path"] or "").endswith(beside):
        yield f"{node['name']}: {node['patch_path']}"


def every_model_tests_its_key(node: Node) -> Iterator[str]:
    if node["name"] not in WITHOUT_TESTED_KEY and not KEY_TESTS & set(node["tests"]):
        yield node["name"]


def a_model_is_short(node: Node) -> Iterator[str]:
    lines = [line for line in node["raw_code"].splitlines() if line.strip()]
    if len(lines) >= 120:
        yield f"{node['name']}: {len(lines)} lines"


def a_model_ends_in_its_final_select(node: Node) -> Iterator[str]:
    if not re.search(r"\n\nselect[^()]*\sfrom final\s*$", node["raw_code"]):
        yield node["name"]


def no_model_reads_a_clock(node: Node) -> Iterator[str]:
    if re.search(r"current_(timestamp|date|datetime)", re.sub(r"--.*|\{#.*?#\}", "", node["raw_code"]), re.IGNORECASE):
        yield node["name"]


def a_table_with_the_as_of_time_says_how_it_depends_on_it(node: Node) -> Iterator[str]:
    reads = "as_of" in node["macros_used"]
    if node["config"]["materialized"] == "view" and reads:
        yield f"{node['name']} is a view"
    if reads != (node["config"]["meta"].get("clock") in {"run", "open", "day"}):
        yield f"{node['name']}: {node['config']['meta']}"


def what_counts_is_asked_of_a_macro(node: Node) -> Iterator[str]:
    if re.search(r"merged_into\s+is\s+null|mtt[a-z]_(minutes|microseconds)\s*>=?\s*0", node["raw_code"]):
        yield node["name"]


def changed(**values: Any) -> Callable[[Node], None]:
    """A breach of a rule: some values of a model."""
    return lambda node: node.update(values)


def without_a_description(node: Node) -> None:
    next(iter(node["columns"].values()))["description"] = ""


def without_a_contract(node: Node) -> None:
    node["config"]["contract"]["enforced"] = False


RULES: dict[Rule, tuple[str, Callable[[Node], None]]] = {
    the_description_begins_with_the_grain: ("operational_metrics", changed(description="All incidents.")),
    every_column_of_sources_seeds_and_marts_has_a_type_and_a_description: (
        "operational_metrics",
        without_a_description,
    ),
    marts_have_a_contract_a_group_and_are_public: ("operational_metrics", without_a_contract),
    others_are_protected: ("int_incidents_measured", changed(access="public")),
    only_staging_reads_sources: (
        "operational_metrics",
        changed(depends_on={"nodes": ["source.incident_ledger.raw.t"]}),
    ),
    reports_read_marts_and_intermediates: (
        "rpt_mttr",
        changed(depends_on={"nodes": ["model.incident_ledger.stg_ledger__incident_events"]}),
    ),
    names_say_the_layer: ("operational_metrics", changed(name="incidents")),
    a_yaml_stands_beside_each_model: ("operational_metrics", changed(patch_path="incident_ledger://models/schema.yml")),
    every_model_tests_its_key: ("operational_metrics", changed(tests=["not_null"])),
    a_model_is_short: ("operational_metrics", changed(raw_code="select 1\n" * 120)),
    a_model_ends_in_its_final_select: ("operational_metrics", changed(raw_code="select 1")),
    what_counts_is_asked_of_a_macro: ("operational_metrics", changed(raw_code="if(mttr_minutes >= 0, 1, 0)")),
    a_table_with_the_as_of_time_says_how_it_depends_on_it: (
        "int_incidents_measured",
        changed(macros_used={"as_of", "minutes"}),
    ),
    no_model_reads_a_clock: ("operational_metrics", changed(raw_code="select current_timestamp()")),
}


def concerned(rule: Rule, manifest: dict[str, Any]) -> list[Node]:
    """The models; of the rule about columns the seeds and sources too."""
    about_columns = rule is every_column_of_sources_seeds_and_marts_has_a_type_and_a_description
    return tables(manifest) if about_columns else models(manifest)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Rule, manifest: dict[str, Any]) -> None:
    assert [breach for node in concerned(rule, manifest) for breach in rule(node)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_is_seen_to_fail(rule: Rule, manifest: dict[str, Any]) -> None:
    name, break_it = RULES[rule]
    node = copy.deepcopy(next(node for node in concerned(rule, manifest) if node["name"] == name))
    assert list(rule(node)) == []
    break_it(node)
    assert list(rule(node)) != []


def undescribed(macros: dict[str, Node]) -> list[str]:
    """Macros of the project, and arguments of them, that no YAML describes. Generic tests describe themselves."""
    project_macros = [macro for macro in macros.values() if macro["original_file_path"].startswith("macros/")]
    names = [macro["name"] for macro in project_macros if not macro["description"]]
    return names + [
        f"{macro['name']}({argument['name']})"
        for macro in project_macros
        for argument in macro["arguments"]
        if not argument["description"]
    ]


def test_every_macro_and_its_arguments_are_described(manifest: dict[str, Any]) -> None:
    macros = {name: macro for name, macro in manifest["macros"].items() if macro["package_name"] == "incident_ledger"}
    assert undescribed(macros) == []
    broken = copy.deepcopy(macros["macro.incident_ledger.minutes"])
    broken["arguments"][0]["description"] = ""
    assert undescribed({"minutes": broken}) == ["minutes(microseconds)"]
    broken["description"] = ""
    assert undescribed({"minutes": broken}) == ["minutes", "minutes(microseconds)"]


def test_every_mart_has_a_unit_test(manifest: dict[str, Any]) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    missing = {node["name"] for node in models(manifest) if layer(node) == "marts"} - tested - WITHOUT_UNIT_TEST
    assert missing == set()


def test_every_source_that_flows_by_itself_has_a_freshness(manifest: dict[str, Any]) -> None:
    without = {source["name"] for source in manifest["sources"].values() if not source["loaded_at_field"]}
    # Incidents, rejects, breaches, messages and results of dbt come when they come; leases, what was built and what
    # was settled do not flow; `usage_loads` names records.
    assert without == {
        "incident_events",
        "settled_incidents",
        "import_rejects",
        "notifications",
        "leases",
        "build_state",
        "usage_records",
        "quality_results",
        "quality_breaches",
        "dbt_results",
        "probe_results",
        "signals",
    }


def test_an_average_leaves_out_what_the_excluded_measures_name(manifest: dict[str, Any]) -> None:
    measures = [measure for model in manifest["semantic_models"].values() for measure in model["measures"]]
    of_times = [measure["expr"] for measure in measures if re.search(r"mtt[a-z]_minutes", measure["expr"] or "")]
    assert len(of_times) == 5
    assert [expr for expr in of_times if not re.search(r"'mtt[a-z]' in unnest\(excluded_measures\)", expr)] == []


def test_every_group_has_an_owner(manifest: dict[str, Any]) -> None:
    assert all(group["owner"]["name"] and group["owner"]["email"] for group in manifest["groups"].values())
