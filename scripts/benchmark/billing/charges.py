"""What calls cost on BigQuery: jobs, bytes and seconds of each, by documented figures. Pure.

Bytes, on demand (BigQuery's pricing page and "Estimate and control costs", "DML statements: query size calculation"):
at least 10 MB for each table that a statement references and 10 MB in all, rounded up to whole MB; nothing for
metadata, loads, copies, DDL, what is served from the cache, a dry run. Here a table counts once a statement, and with
all its columns: an upper bound, since BigQuery reads only the columns that are named.

Seconds (what people see who run dbt and small statements on BigQuery; medians, of small tables):

    | call                       | seconds | seen      |
    | -------------------------- | ------: | --------- |
    | a job: query, DDL, load    |     1.5 | 1 to 3    |
    | a DML statement            |     2.5 | 1.5 to 4  |
    | a metadata call            |     0.2 | 0.1 to 0.4|
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmark.billing.api_calls import ApiCall, Kind
from benchmark.billing.references import Effect, effects
from benchmark.billing.table_sizes import TableSizes

MB = 1024**2
MINIMUM_BYTES = 10 * MB
USD_A_TIB = 6.25
"""On demand, in the multi-region US."""
JOB_SECONDS = 1.5
DML_SECONDS = 2.5
METADATA_SECONDS = 0.2


@dataclass(frozen=True)
class Charge:
    """What one call costs. A script is one job of several statements, each of which is billed."""

    call: ApiCall
    statements: tuple[Effect, ...] = ()
    bytes_billed: int = 0
    seconds: float = 0.0
    is_cached: bool = False

    @property
    def is_job(self) -> bool:
        """A query, load or copy; not a dry run."""
        return self.call.kind in {Kind.QUERY, Kind.LOAD, Kind.COPY} and not self.call.is_dry_run

    @property
    def dml(self) -> int:
        """How many statements of DML it has."""
        return sum(statement.is_dml for statement in self.statements)


@dataclass(frozen=True)
class Bill:
    """The sum of charges; `seconds` is one call after the other."""

    jobs: int
    dml: int
    metadata: int
    cached: int
    bytes_billed: int
    seconds: float

    @property
    def megabytes(self) -> float:
        """Megabytes as BigQuery bills them (2 ** 20 bytes)."""
        return self.bytes_billed / MB

    def usd(self, times: float) -> float:
        """Dollars for doing this so many times."""
        return self.bytes_billed * times * USD_A_TIB / 1024**4


def charge(calls: Iterable[ApiCall], sizes: TableSizes, *, before: Iterable[ApiCall] = ()) -> list[Charge]:
    """The charge of each call, in order, without follow-ups. What `before` asked may be served from the cache."""
    cache = _Cache()
    for call in before:
        _charged(call, sizes, cache)
    return [_charged(call, sizes, cache) for call in calls if call.kind is not Kind.FOLLOW_UP]


def total(charges: Sequence[Charge]) -> Bill:
    """The sum."""
    return Bill(
        jobs=sum(each.is_job for each in charges),
        dml=sum(each.dml for each in charges),
        metadata=sum(each.call.kind is Kind.METADATA for each in charges),
        cached=sum(each.is_cached for each in charges),
        bytes_billed=sum(each.bytes_billed for each in charges),
        seconds=sum(each.seconds for each in charges),
    )


@dataclass
class _Cache:
    """Answers that BigQuery may still have: by the whole statement, with the tables that it was made from."""

    answers: dict[str, frozenset[str]] = field(default_factory=dict)

    def has(self, key: str, reads: Mapping[str, object]) -> bool:
        """Whether it is there; from now on it is."""
        is_there = key in self.answers
        self.answers[key] = frozenset(reads)
        return is_there

    def forget(self, written: Iterable[str]) -> None:
        """A table that was written makes what was read of it unusable."""
        changed = set(written)
        self.answers = {key: reads for key, reads in self.answers.items() if not reads & changed}


def _charged(call: ApiCall, sizes: TableSizes, cache: _Cache) -> Charge:
    if call.kind in {Kind.METADATA, Kind.FOLLOW_UP, Kind.STREAM} or call.is_dry_run:
        cache.forget([call.target] if call.target else [])
        return Charge(call, seconds=METADATA_SECONDS)
    if call.kind is not Kind.QUERY:
        cache.forget([call.target] if call.target else [])
        return Charge(call, seconds=JOB_SECONDS)
    statements = tuple(effects(call.sql, sizes, dataset=call.dataset, parameters=call.parameters))
    key = json.dumps([call.sql, call.dataset, call.configuration.get("query", {}).get("queryParameters")])
    is_cached = len(statements) == 1 and statements[0].is_fixed and cache.has(key, statements[0].reads)
    cache.forget(name for statement in statements for name in statement.writes)
    billed = 0 if is_cached else sum(_billed(statement, sizes) for statement in statements)
    return Charge(call, statements, billed, sum(_seconds(statements)), is_cached)


def _billed(statement: Effect, sizes: TableSizes) -> int:
    """Bytes of a statement: each table's, in whole megabytes, ten at least."""
    tables = [sizes.size(name, left) for name, left in statement.reads.items()]
    return sum(max(MINIMUM_BYTES, -(-size // MB) * MB) for size in tables)


def _seconds(statements: Sequence[Effect]) -> Iterator[float]:
    """A job takes its time however many of its statements only set variables."""
    working = [statement for statement in statements if statement.reads or statement.writes]
    yield from (DML_SECONDS if statement.is_dml else JOB_SECONDS for statement in working or statements[:1])
