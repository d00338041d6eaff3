"""Hostile inputs for every reader of files: valid ones with a few bytes, values or cells changed for the worst.

READERS            what is read, each by its name
inputs(name)       a hypothesis strategy of file contents
read(name, …)      the reader, on a file; a fault of the file is one of our errors, anything else is a bug
python -m reading.hostile NAME COUNT    so many, in a process whose memory is limited; nothing is printed if all is well
"""

import copy
import io
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.pages import incident, poll, resolved
from incident_ledger.encoding import canonical
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.importers import Document
from incident_ledger.importers.rejects import _row as row_of_reject
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.usage.ingest import read_batch
from incident_ledger.importers.usage.record_writer import _row as row_of_usage
from incident_ledger.ledger.writer import _check_texts
from incident_ledger.policy.cells import read_file
from incident_ledger.policy.seeds import policy_tables
from incident_ledger.quality.suites import load_suite
from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.loading.file_load import prepare
from incident_ledger.warehouse.rows import encode_row
from incident_ledger.warehouse.tables import IMPORT_REJECTS, USAGE_RECORDS
from usage.answers import bucket, code, cost, event, events, page, usage

MOST_SECONDS = 10.0  # of the processor's time
MOST_MEMORY = 1024  # MB
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DEEP = 100_000
KINDS = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "TIMESTAMP", "DATETIME", "TIME", "BYTES", "JSON")
GIVEN = tuple(Column(kind.lower(), kind) for kind in KINDS)
SOURCES = {
    "anthropic_usage": [page(bucket("2026-01-01", usage("a"), usage("b", requests=7)), bucket("2026-01-02", usage()))],
    "anthropic_cost": [page(bucket("2026-01-01", cost("1.5"), cost("2", None)), has_more=True)],
    "claude_code": [page(code("2026-01-01", "a@b", 1, 1), code("2026-01-02", "c@d", 2, 2))],
    "cursor_events": [events(event("2026-01-01T10:00:00Z"), event("2026-01-01T11:00:00Z", None, 2.5))],
    "cursor_daily": [{"data": [{"date": 1710720000000, "email": "a", "composerRequests": 1}] * 2}],
    "cursor_spend": [{"subscriptionCycleStart": 1710720000000, "teamMemberSpend": [{"email": "a", "spendCents": 1}]}],
}  # fmt: skip
PAGES = [poll(90, resolved("a"), incident("b")), [incident("a"), resolved("b")], resolved("c")]
SUITES = [{
    "name": "t",
    "meta": {"owner": "x"},
    "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a", "mostly": 0.9}, "meta": {}},
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "severity": "warning"},
    ],
}]  # fmt: skip
RECORDS = [
    {"string": "x", "int64": 1, "float64": 0.5, "numeric": 1.25, "bool": True, "date": "2026-01-01", "time": "10:00:00",
     "timestamp": "2026-01-01T00:00:00Z", "datetime": "2026-01-01T00:00:00", "bytes": "AP8=", "json": {"a": [1]}},
    {"string": None, "json": "text", "int64": -7},
    {"a": {"b": [{"c": 1.5}], "d": "x"}, "e": ["x", "y"]},
]  # fmt: skip
TEXTS = [
    *("", " ", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30", "24:00:00", "2026-W01-1"),
    *(
        "1e400",
        "1e-400",
        "1e9999999999",
        "-0",
        "0x10",
        "1_000",
        "٣",
        "é",
        "\0",
        "x" * 100_000,
        "9" * 5_000,
        "nan",
        "inf",
    ),
    *("null", "None", "\ufeff", "\u202e", "\x1b[31m", '"', "'; drop table t; --", "\r\n", "\u2028", "😀" * 50),
    *("9" * 18, "-9223372036854775809"),
]
WORST = [  # JSON as it stands in a file
    *map(json.dumps, TEXTS),
    *("1e400", "-1e400", "1e-400", "9" * 5_000, "-" + "9" * 20, "0." + "1" * 400, "NaN", "Infinity", "01", "-1", "1.5"),
    *("[" * 200 + "]" * 200, "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * DEEP, '"\\ud83d"'),
    *('"\\u0000"', '{"a": 1, "a": 2}', '{"": 1}', '{"\\ud83d": 1}', "[]", "{}", "null", "true", "7", "[[1]]", "[null]"),
    *('{"a b": 1, "a-b": 2}', "1710720000000", "99999999999999999", '["x"]', '{"id": 1}', "tru", '"', "}", ""),
]
RECORD = pa.struct([("a", pa.int8()), ("b", pa.string())])
HOLE = "\x01hole\x01"


@st.composite
def json_files(draw: st.DrawFn, samples: list[Any], *, in_lines: bool) -> bytes:
    """Documents (or lines of them) in which some values are the worst ones."""
    bodies = [copy.deepcopy(draw(st.sampled_from(samples))) for _ in range(draw(st.integers(1, 3)) if in_lines else 1)]
    worst = []
    for _ in range(draw(st.integers(0, 3))):
        holders = list(_holders(bodies))
        holder, key = holders[draw(st.integers(0, len(holders) - 1))]
        holder[key if draw(st.booleans()) or isinstance(holder, list) else "unknown"] = HOLE
        worst.append(draw(st.sampled_from(WORST)))
    parts = "\n".join(
        json.dumps(body, indent=draw(st.sampled_from([None, 1])) if len(bodies) == 1 else None) for body in bodies
    )
    for text in worst:
        parts = parts.replace(json.dumps(HOLE), text, 1)
    return parts.encode()


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value that can be given another: a list or an object, and an index or a key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        yield value, key
        yield from _holders(part)


@st.composite
def cut_and_pasted(draw: st.DrawFn, contents: st.SearchStrategy[bytes]) -> bytes:
    """A content with some bytes changed, taken away, doubled or put in."""
    content = bytearray(draw(contents))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 2, 8, 100, 10_000])))
        what = draw(
            st.sampled_from([b"", b"\0", b"\xff", b"\n", b'"', b"{", b"]", b",", b"\xed\xa0\x80", b"double", b"any"])
        )
        if what == b"any":
            what = draw(st.binary(max_size=8))
        content[start:end] = bytes(content[start:end]) * 2 if what == b"double" else what
    return bytes(content)


@st.composite
def csv_files(draw: st.DrawFn, header: list[str]) -> bytes:
    """Rows whose cells are bad ones, with a header that is good or bad."""
    cell = st.sampled_from([*TEXTS, *WORST[:60], "1", "1.10", "0.5", "2026-01-01", "true", "AP8="])
    names = header if draw(st.booleans()) else draw(st.lists(cell, max_size=5))
    rows = draw(st.lists(st.lists(cell, min_size=len(names), max_size=len(names)), max_size=4))
    quoted = draw(st.booleans())
    lines = [
        ",".join('"' + text.replace('"', '""') + '"' if quoted else text for text in row) for row in [names, *rows]
    ]
    return "\n".join(lines).encode(errors="surrogatepass")


@st.composite
def parquet_files(draw: st.DrawFn) -> bytes:
    """Columns of several types and encodings."""
    rows = draw(st.integers(0, 30))
    chance = random.Random(draw(st.integers(0, 2**32)))
    makers: list[Callable[[], pa.Array]] = [
        lambda: pa.array([chance.choice(TEXTS) for _ in range(rows)]),
        lambda: pa.array([chance.choice([None, 2**63 - 1, -1]) for _ in range(rows)], pa.int64()),
        lambda: pa.array([2**64 - 1] * rows, pa.uint64()),
        lambda: pa.array([chance.choice([None, float("nan"), 1e300, 0.1]) for _ in range(rows)], pa.float64()),
        lambda: pa.array([chance.choice(["a", "b"]) for _ in range(rows)]).dictionary_encode(),
        lambda: pa.array([chance.choice([None, [], ["x"] * 3]) for _ in range(rows)], pa.list_(pa.string())),
        lambda: pa.array([chance.choice([None, {"a": 1, "b": "x"}]) for _ in range(rows)], RECORD),
        lambda: pa.array([chance.choice([2**62, -(2**62), 0]) for _ in range(rows)], pa.timestamp("ns")),
        lambda: pa.array([chance.choice([2**62, -(2**62), 0]) for _ in range(rows)], pa.timestamp("us", "UTC")),
        lambda: pa.array([chance.choice([2**31 - 1, -(2**31)]) for _ in range(rows)], pa.date32()),
        lambda: pa.nulls(rows),
    ]  # fmt: skip
    names = draw(
        st.lists(st.sampled_from([*(kind.lower() for kind in KINDS), "x y", "a", ""]), max_size=4, unique=True)
    )
    table = pa.table({name: draw(st.sampled_from(makers))() for name in names})
    target = io.BytesIO()
    codec = draw(st.sampled_from(["snappy", "zstd", "none", "gzip"]))
    pq.write_table(table, target, compression=codec, use_dictionary=draw(st.booleans()))
    return target.getvalue()


def _json(samples: list[Any]) -> st.SearchStrategy[bytes]:
    return st.one_of(json_files(samples, in_lines=False), json_files(samples, in_lines=True))


FILES: dict[str, st.SearchStrategy[bytes]] = {
    **{name: _json(samples) for name, samples in SOURCES.items()},
    "statuspage": _json(PAGES),
    "suite": json_files(SUITES, in_lines=False),
    "load csv": csv_files([kind.lower() for kind in KINDS]),
    "load jsonl": json_files(RECORDS, in_lines=True),
    "load parquet": parquet_files(),
    "policy": st.sampled_from([*policy_tables().values()]).flatmap(lambda table: csv_files([*table.column_names])),
}
READERS = tuple(FILES)


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Contents of files for a reader."""
    return st.one_of(FILES[name], cut_and_pasted(FILES[name]))


def read(name: str, content: bytes, folder: Path) -> None:
    """Read a file as the commands do, up to what is sent to the warehouse. Raises `IncidentLedgerError` at most."""
    suffix = name.removeprefix("load ") if name.startswith("load ") else "csv" if name == "policy" else "json"
    path = folder / f"file.{suffix}"
    path.write_bytes(content)
    if name in SOURCES:
        batch = read_batch(name, [path], NOW)
        for record in batch.records.values():
            encode_row(USAGE_RECORDS, row_of_usage(record)).encode()
        for reject in batch.rejects:
            encode_row(IMPORT_REJECTS, row_of_reject(name, reject)).encode()
    elif name == "statuspage":
        importer = StatuspageImporter()
        parsed = importer.parse(Document(str(path), content))
        importer.scope(parsed.records)
        for event in importer.plan(parsed.records, []).events:
            _check_texts(event)
            canonical([event.event_id, event.payload]).encode()
        for reject in parsed.rejects:
            encode_row(IMPORT_REJECTS, row_of_reject(name, reject)).encode()
    elif name == "suite":
        load_suite(path)
    elif name == "policy":
        for table in policy_tables().values():
            read_file(path, str(path), table)
    else:
        for given, strings in ((None, False), (None, True), (GIVEN, False)):
            try:
                prepare(path, folder / "rows", given, strings=strings)
            except IncidentLedgerError as error:
                _is_short(error)


def _is_short(error: IncidentLedgerError) -> None:
    str(error).encode()
    assert len(str(error)) < 2_000, str(error)[:3_000]


def search(name: str, count: int) -> None:
    """Try so many inputs on a reader. Raises with the smallest input that shows a bug."""

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def attempt(content: bytes) -> None:
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            try:
                read(name, content, Path(folder))
            except IncidentLedgerError as error:
                _is_short(error)
        assert time.process_time() - start < MOST_SECONDS

    attempt()


def main() -> None:
    """`NAME COUNT` in a process of its own."""
    name, count = sys.argv[1], int(sys.argv[2])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    search(name, count)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before
    assert grown < MOST_MEMORY, f"{grown} MB more"


if __name__ == "__main__":
    main()
