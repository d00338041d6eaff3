"""Who reads a growing table from its beginning is found by name, and a list of known ones can only become shorter."""

import pytest

from benchmark.billing.api_calls import ApiCall, Kind
from benchmark.billing.charges import charge
from benchmark.billing.table_sizes import TableSizes
from benchmark.billing.unbounded import Offender, unbounded, unlisted

SIZES = TableSizes(
    views={
        "d.state": "select incident_id, count(*) as n from `p.raw.incident_events` group by 1",
        "d.steps": "select *, row_number() over (partition by started_at order by step) as n from raw.run_steps",
    },
    partitions={"raw.incident_events": "recorded_at", "raw.run_steps": "started_at"},
)


def found(sql: str, node: str | None = None) -> list[tuple[str, str]]:
    call = ApiCall(Kind.QUERY, {"labels": {"node_id": node} if node else {}, "query": {"query": sql}})
    return [(each.table, each.reader) for each in unbounded(charge([call], SIZES))]


@pytest.mark.parametrize(
    ("sql", "readers"),
    [
        ("select * from raw.incident_events", ["select incident_events"]),
        ("with x as (select * from d.state) select * from x where incident_id = 'i'", ["select state"]),
        ("select * from raw.incident_events where recorded_at < timestamp '2026-03-01'", ["select incident_events"]),
        (
            "select * from raw.incident_events where recorded_at >= timestamp '0001-01-01'",
            ["select incident_events"],
        ),
        (
            "select * from raw.incident_events where recorded_at >= (select max(recorded_at) from raw.incident_events)",
            ["select incident_events"],
        ),
        (
            "merge raw.incident_events as t using d.small as s on t.event_id = s.event_id "
            "when not matched then insert row",
            ["merge incident_events, small"],
        ),
        ("create or replace table d.t as select * from d.state", ["create state, t"]),
        ("select * from raw.quality_results where run_id = 'r'", ["select quality_results"]),
        ("select * from raw.incident_events where recorded_at >= timestamp '2026-03-01'", []),
        ("select * from d.steps where started_at >= timestamp_sub(timestamp '2026-03-01', interval 2 day)", []),
        ("select * from d.state where false limit 0", []),
        ("merge raw.incident_events as t using d.small as s on false when not matched then insert row", []),
        ("create or replace view d.v as select * from d.state", []),
        ("select * from raw.quality_batches", []),
    ],
)
def test_a_statement_that_reads_a_growing_table_from_its_beginning_is_found(sql: str, readers: list[str]) -> None:
    assert [reader for _, reader in found(sql)] == readers


def test_a_node_of_dbt_is_named_by_itself() -> None:
    assert found("select * from d.state", "test_unique_state") == [("incident_events", "test_unique_state")]


def test_a_list_of_known_offenders_can_only_become_shorter() -> None:
    planted, listed = Offender("incident_events", "select state"), Offender("notifications", "merge notifications")
    known = {Offender("notifications", "merge *"): "why"}
    assert unlisted([listed], known) == []
    assert unlisted([listed, planted], known) == ["incident_events is read from its beginning by: select state"]
    assert unlisted([planted], known) == [
        "incident_events is read from its beginning by: select state",
        "no offender any more, take it off the list: notifications is read from its beginning by: merge *",
    ]
