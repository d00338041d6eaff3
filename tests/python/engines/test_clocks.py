"""One clock a row, none in a view: read from every model as it is compiled, in both of its branches."""

import re

from engines.project import AS_OF, Project, Query

CLOCK = re.compile(r"current_(timestamp|date|datetime|time)\b", re.IGNORECASE)


def told_by_a_clock(query: Query) -> bool:
    """Whether the SQL holds the time that the build speaks of, or asks for the time."""
    return f"{AS_OF:%Y-%m-%dT%H:%M:%S}" in query.sql or CLOCK.search(query.sql) is not None


def test_no_view_holds_a_clock_and_each_table_with_one_says_so(project: Project) -> None:
    clocked = {query.node for query in project.queries if query.kind == "model" and told_by_a_clock(query)}
    nodes = [project.node(name) for name in clocked]
    assert {node["name"] for node in nodes} >= {"dim_components", "int_incident_durations_aggregated", "int_build_time"}
    assert [node["name"] for node in nodes if node["config"]["materialized"] == "view"] == []
    assert [node["name"] for node in nodes if "as_of" not in node["columns"]] == []


def test_no_model_reads_an_age_that_another_build_stored(project: Project) -> None:
    """An age is told by the table that computes it, beside its `as_of`; what reads it has no clock of its own."""
    ages = {"age_minutes", "age_microseconds", "pending_microseconds", "oldest_open_minutes", "open_age_minutes"}
    for query in project.queries:
        node = project.node(query.node) if query.kind == "model" else None
        if node and ages & set(node["columns"]):
            assert "as_of" in node["columns"], node["name"]
        if node and told_by_a_clock(query):
            stored = [name for name in node["depends_on"]["nodes"] if ages & set(project.node(name)["columns"])]
            assert stored == [], node["name"]
