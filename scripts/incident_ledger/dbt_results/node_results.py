"""One result a node, whichever artifact it comes from. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from incident_ledger.dbt_results.artifacts import Freshness, RunResult, RunResults, Sources, Timing
from incident_ledger.encoding import clean, shortened, timestamp

_MESSAGE_CHARACTERS = 2_000
# A table that the run made whole: its answer counts all its rows.
_WHOLE_TABLE = "CREATE TABLE"


@dataclass(frozen=True, kw_only=True)
class ArtifactResult:
    """How one node of one invocation of dbt ended.

    `status` is dbt's word. `failures` is what a test counted: rows for some tests, values for others. `rows` is how
    many rows a table has that this invocation made whole. `query` shows what a test found.
    """

    invocation_id: str
    unique_id: str
    status: str
    completed_at: datetime
    seconds: float
    dbt_version: str
    message: str | None = None
    failures: int | None = None
    rows: int | None = None
    relation_name: str | None = None
    query: str | None = None

    @property
    def resource_type(self) -> str:
        """`model`, `test`, `source`, …: how dbt's ids begin."""
        return self.unique_id.partition(".")[0]

    @property
    def package(self) -> str:
        """The project or package that the node is of."""
        return self.unique_id.split(".")[1] if self.unique_id.count(".") > 1 else ""

    @property
    def name(self) -> str:
        """The node's name, without dbt's hash."""
        return name_of(self.unique_id)


def name_of(unique_id: str) -> str:
    """`test.shop.not_null_orders_id.81cf` is `not_null_orders_id`, `source.shop.raw.orders` is `raw.orders`."""
    parts = unique_id.split(".")
    if parts[0] in ("test", "unit_test") or len(parts) < 4:
        return parts[min(2, len(parts) - 1)]
    return ".".join(parts[2:])


def of_run(artifact: RunResults) -> Iterator[ArtifactResult]:
    """The nodes of a run or a build, in the file's order."""
    metadata = artifact.metadata
    for each in artifact.results:
        yield ArtifactResult(
            invocation_id=metadata.invocation_id or timestamp(metadata.generated_at),
            unique_id=each.unique_id,
            status=each.status,
            completed_at=_completed(each.timing) or metadata.generated_at,
            seconds=each.execution_time,
            dbt_version=metadata.dbt_version,
            message=_text(each.message),
            failures=each.failures,
            rows=_rows(each),
            relation_name=each.relation_name,
            query=each.compiled_code if each.unique_id.startswith("test.") else None,
        )


def of_freshness(artifact: Sources) -> Iterator[ArtifactResult]:
    """The sources whose freshness was asked, in the file's order."""
    metadata = artifact.metadata
    for each in artifact.results:
        yield ArtifactResult(
            invocation_id=metadata.invocation_id or timestamp(metadata.generated_at),
            unique_id=each.unique_id,
            status=each.status,
            completed_at=each.snapshotted_at or _completed(each.timing) or metadata.generated_at,
            seconds=each.execution_time,
            dbt_version=metadata.dbt_version,
            message=_text(each.error) or _age(each),
        )


def project_of(results: list[ArtifactResult]) -> str | None:
    """The project of results without a manifest: the package that most of them are of."""
    packages = Counter(each.package for each in results if each.package)
    return min(packages, key=lambda name: (-packages[name], name)) if packages else None


def _completed(timing: tuple[Timing, ...]) -> datetime | None:
    return max((each.completed_at for each in timing if each.completed_at), default=None)


def _rows(result: RunResult) -> int | None:
    code, rows = result.adapter_response.get("code"), result.adapter_response.get("rows_affected")
    is_count = isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0
    return rows if code == _WHOLE_TABLE and is_count else None


def _age(source: Freshness) -> str | None:
    return f"its newest row is of {timestamp(source.max_loaded_at)}" if source.max_loaded_at else None


def _text(message: str | None) -> str | None:
    text = clean(message).strip() if message else ""
    return shortened(text, _MESSAGE_CHARACTERS) if text else None
