"""What a probe found, as rows of `probe_results` and back."""

# ruff: noqa: S608 -- names of tables and columns are our own; times are literals of their own

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from incident_ledger.probes.http_answers import REACHED, Failure
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, rows_of
from incident_ledger.warehouse.rows import insert_rows, literal
from incident_ledger.warehouse.tables import PROBE_RESULTS, names


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """One row of `probe_results`."""

    target_id: str
    probed_at: datetime
    kind: str
    component: str
    failure_kind: str | None
    status_code: int | None
    latency_ms: float
    attempts: int
    detail: str | None

    @property
    def is_healthy(self) -> bool:
        """Whether it gave a good answer."""
        return self.failure_kind is None

    @property
    def is_unreachable(self) -> bool:
        """Whether nobody could use it: also where it answers with an error."""
        return self.failure_kind is not None and self.failure_kind not in REACHED

    @property
    def is_cut_off(self) -> bool:
        """Whether nothing could be connected to."""
        return self.failure_kind == Failure.NETWORK

    @property
    def is_refused(self) -> bool:
        """Whether the key was refused."""
        return self.failure_kind == Failure.AUTHENTICATION


def write_results(warehouse: Warehouse, results: Iterable[ProbeResult]) -> int:
    """Append them, by one statement that reads nothing; two commands at once write rows of their own."""
    return insert_rows(warehouse, PROBE_RESULTS, [asdict(each) for each in results])


def results_reading(warehouse: Warehouse, since: datetime, until: datetime) -> Reading[list[ProbeResult]]:
    """The results after `since` and until `until`, the oldest first, each once."""
    rows = yield from rows_of(
        f"select {', '.join(names(PROBE_RESULTS))} from {warehouse.raw(PROBE_RESULTS.name)} "
        f"where probed_at > {literal(since)} and probed_at <= {literal(until)}"
    )
    found = {(row["target_id"], row["probed_at"]): _result(row) for row in rows}
    return [found[key] for key in sorted(found, key=lambda each: (each[1], each[0]))]


def _result(row: Mapping[str, Any]) -> ProbeResult:
    return ProbeResult(**row)
