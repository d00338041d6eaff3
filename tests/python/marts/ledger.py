"""A ledger to build marts from: incidents told as events, checks as rows, and dbt to build with."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import QUALITY_BATCHES, QUALITY_RESULTS, RawTable

MARTS = (
    "path:models/intermediate/incidents",
    "path:models/intermediate/response",
    "path:models/marts/incidents",
    "path:models/marts/response",
    "fct_data_quality",
    "fct_quality_rules",
    "+fct_usage_freshness",
    "int_build_time",
    "rpt_data_quality_daily",
    "rpt_data_quality_by_data_day",
    "path:models/marts/reliability",
    "path:models/staging/ledger",
    "path:models/metrics",
)


def utc(text: str) -> datetime:
    """`2026-03-01 23:00` and the like, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


class Ledger:
    """One set of datasets."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.dbt = Dbt(warehouse.settings, warehouse.endpoint)
        self.events: list[Event] = []
        ensure_ledger(warehouse)

    def incident(
        self,
        key: str,
        severity: str,
        detected: datetime,
        *later: tuple[str, timedelta] | tuple[str, timedelta, Mapping[str, Any]],
        components: Sequence[str] = ("api",),
        payload: Mapping[str, Any] | None = None,
    ) -> str:
        """Tell of an incident: its detection, then each later event by type, time since detection and payload."""
        ident = incident_id("test", key, detected)
        said: list[tuple[str, timedelta, Mapping[str, Any]]] = [
            ("detected", timedelta(), {"title": key, "components": list(components), **(payload or {})}),
            *((event[0], event[1], event[2] if len(event) > 2 else {}) for event in later),
        ]
        for kind, after, body in said:
            self.events.append(
                Event(
                    incident_id=ident,
                    event_type=EventType(kind),
                    occurred_at=detected + after,
                    actor="test",
                    source="test",
                    source_key=key,
                    severity_level=body.get("severity_level", severity) if kind in _WITH_SEVERITY else None,
                    payload={name: value for name, value in body.items() if name != "severity_level"},
                )
            )
        return ident

    def write(self, at: datetime) -> None:
        """Append what was told since the last time."""
        append(self.warehouse, self.events, at)
        self.events.clear()

    def checks(self, *rows: Mapping[str, Any]) -> None:
        """Verdicts on tables, as the checks write them."""
        defaults = {"suite": "suite.json", "rules_total": 20, "rules_ran": 20, "rules_failed": 0, "rules_errored": 0}
        self._insert(QUALITY_BATCHES, [defaults | dict(row) for row in rows])

    def results(self, *rows: Mapping[str, Any]) -> None:
        """Results of rules, as the checks write them."""
        self._insert(QUALITY_RESULTS, [{"suite": "suite.json", **row} for row in rows])

    def build(self, as_of: datetime, *select: str) -> list[NodeResult]:
        """Build the marts as of a time, without their data tests; all must succeed."""
        results = self.dbt.invoke(["run", "--select", *(select or MARTS)], as_of=as_of)
        failed = [f"{result.unique_id}: {result.message}" for result in results if result.status != "success"]
        assert not failed, "\n".join(failed)
        return results

    def rows(self, mart: str, where: str = "true", order: str = "1") -> list[dict[str, Any]]:
        """Rows of a mart."""
        return self.warehouse.rows(f"select * from {self.warehouse.mart(mart)} where {where} order by {order}")

    def row(self, mart: str, where: str) -> dict[str, Any]:
        """The one row of a mart that meets a condition."""
        (found,) = self.rows(mart, where)
        return found

    def _insert(self, table: RawTable, rows: Sequence[Mapping[str, Any]]) -> None:
        kinds = {name: kind for name, kind, _ in table.columns}
        names = sorted({name for row in rows for name in row})
        values = ", ".join(f"cast(json_value(item, '$.{name}') as {kinds[name].lower()})" for name in names)
        self.warehouse.execute(
            f"insert into {self.warehouse.raw(table.name)} ({', '.join(names)}) "
            f"select {values} from unnest(json_query_array(parse_json(@rows))) as item",
            {"rows": json.dumps(list(rows), default=str)},
        )


_WITH_SEVERITY = {"detected", "severity_changed"}
