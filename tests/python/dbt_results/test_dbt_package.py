"""The dbt package: its macro, called from `on-run-end` of another project, on the local warehouse."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from dbt_results.shop import FILES, Shop
from incident_ledger import policy
from incident_ledger.dbt_results import ingest
from incident_ledger.dbt_runner import Dbt
from incident_ledger.encoding import clean
from incident_ledger.runner.build import Builds
from incident_ledger.runner.uploaded_results import take_in_uploaded
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import ensure_dataset
from relay import Relay

HOOK = "operation.shop.shop-on-run-end-0"
NULL = "cast(null as string)"
NODES = 2_000
MAX_QUERY_BYTES = 1_048_576  # https://cloud.google.com/bigquery/quotas: unresolved GoogleSQL query length
# What breaks a literal that is escaped by hand: both of the adapter's quotes, backslashes, line ends, an emoji, Jinja.
TEXT = "it's \\'quoted\\' \"C:\\new\\u0041\"\r\n\t{{ not_jinja }} é 🚨 \\"

PACKAGE = {
    "packages.yml": f"packages:\n  - local: {PROJECT_DIR / 'scripts' / 'dbt_package'}\n",
    "dbt_project.yml": FILES["dbt_project.yml"].rstrip()
    + """
        on-run-end: "{{ incident_ledger.upload_results(results) }}"
        """,
    "macros/generated.sql": """
        {% macro generated(nodes, text) %}
            {% set results = [] %}
            {% for n in range(nodes) %}
                {% do results.append({
                    "node": {
                        "unique_id": "model.shop.m%05d" % n, "name": "m%05d" % n, "config": {},
                        "depends_on": {"nodes": ["model.shop.gold"]}
                    },
                    "status": "error", "message": text, "execution_time": 0.5, "adapter_response": {},
                    "timing": [{"name": "execute", "completed_at": modules.datetime.datetime(2026, 3, 2, 6)}]
                }) %}
            {% endfor %}
            {{ incident_ledger.upload_results(results) }}
        {% endmacro %}
        """,
}


class PackagedShop(Shop):
    """The project with the package installed as its users do, and the dataset that it writes to."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        super().__init__(folder, warehouse, PACKAGE)
        self._dataset = warehouse.settings.raw_dataset
        self.run(args=["deps"], variables={})

    def upload(self, args: Sequence[str] = ("build",), *, dataset: str = "", **more: Any) -> Path:
        """A run whose hook writes to a dataset; nothing of it failed but what it was to find."""
        return self.run(args=args, variables={"incident_ledger_raw_dataset": dataset or self._dataset}, **more)

    def generate(self, nodes: int, text: str, **more: Any) -> None:
        """The macro with the results of so many nodes."""
        self.upload(
            ["run-operation", "generated", "--args", json.dumps({"nodes": nodes, "text": text}, ensure_ascii=False)],
            **more,
        )


@pytest.fixture(scope="module")
def shop(built_ledger: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> PackagedShop:
    """Installed once."""
    return PackagedShop(tmp_path_factory.mktemp("packaged") / "shop", built_ledger)


def rows(ledger: Warehouse, table: str) -> dict[str, dict[str, Any]]:
    key = "unique_id" if table == "dbt_results" else "source_key"
    return {each[key]: dict(each) for each in ledger.rows(f"select * from {ledger.raw(table)}")}


def judge(ledger: Warehouse, time: datetime) -> int:
    """What the next run of the ledger does with what was uploaded."""
    builds = Builds(ledger, Dbt(ledger.settings, ledger.endpoint), time, is_full=False)
    return take_in_uploaded(ledger, builds, policy.load(ledger), time)


@pytest.mark.parametrize("bad", [NULL, "no_such_column"], ids=["failed_test", "failed_model"])
def test_the_rows_and_signals_are_those_of_ingest_dbt(ledger: Warehouse, shop: PackagedShop, bad: str) -> None:
    target = shop.upload(bad=bad)
    assert HOOK not in shop.failed
    now = datetime.now(UTC)
    # A run judges what was uploaded once.
    assert (judge(ledger, now), judge(ledger, now)) == (7, 0)
    uploaded = rows(ledger, "dbt_results"), rows(ledger, "signals")
    # The artifacts of the same run add nothing but the hook itself, which was not done while it wrote.
    assert ingest(ledger, [target], ingested_at=now).new == 1
    assert rows(ledger, "signals") == uploaded[1]
    for table in ("dbt_results", "signals"):
        ledger.execute(f"delete from {ledger.raw(table)} where true")
    ingest(ledger, [target], ingested_at=now)
    ingested = rows(ledger, "dbt_results"), rows(ledger, "signals")
    del ingested[0][HOOK]
    assert _comparable(uploaded[0]) == _comparable(ingested[0])
    assert len(uploaded[1]) == 1
    assert uploaded[1] == ingested[1]


def _comparable(results: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Without who wrote it when; what was skipped was done at no time, and has that of the writing."""
    skipped = {each: {} if row["status"] != "skipped" else {"completed_at": None} for each, row in results.items()}
    return {each: {**row, "ingested_at": None, **skipped[each]} for each, row in results.items()}


def test_two_thousand_nodes_take_five_statements(ledger: Warehouse, shop: PackagedShop) -> None:
    assert ledger.endpoint is not None
    text = (TEXT * 80)[:2_000]
    with Relay(ledger.endpoint) as relay:
        shop.generate(NODES, text, endpoint=relay.endpoint)
        statements = [each.query for each in relay.requests if "dbt_results" in each.query]
    assert 1 < len(statements) <= 5
    assert max(len(each.encode()) for each in statements) < MAX_QUERY_BYTES
    assert len(rows(ledger, "dbt_results")) == NODES
    assert {row["message"][:90] for row in rows(ledger, "dbt_results").values()} == {clean(text)[:90]}


def test_a_text_arrives_as_dbt_wrote_it(ledger: Warehouse, shop: PackagedShop) -> None:
    shop.generate(1, TEXT)
    (row,) = rows(ledger, "dbt_results").values()
    assert row["message"] == clean(TEXT).strip()


def test_a_run_does_not_fail_where_the_table_is_not_there(ledger: Warehouse, shop: PackagedShop) -> None:
    shop.upload(dataset=f"{ledger.settings.raw_dataset}_missing")
    assert shop.failed == []
    assert rows(ledger, "dbt_results") == {}


def test_a_run_does_not_fail_where_the_warehouse_refuses_the_rows(ledger: Warehouse, shop: PackagedShop) -> None:
    other = f"{ledger.settings.raw_dataset}_other"
    ensure_dataset(ledger, other)
    ledger.execute(f"create or replace table `{ledger.settings.project}.{other}.dbt_results` (unique_id string)")
    shop.upload(dataset=other)
    assert shop.failed == []
    assert rows(ledger, "dbt_results") == {}
