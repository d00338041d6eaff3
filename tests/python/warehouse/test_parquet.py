"""Parquet of others: read in pieces, refused where a few bytes stand for gigabytes, and no value changed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from incident_ledger.errors import UserError
from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.loading import parquet

LONG = "x" * 1_000_000
MEASURED = """
import json, resource, sys
from pathlib import Path
from incident_ledger.errors import UserError
from incident_ledger.warehouse.loading import parquet
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    source = parquet.open_parquet(path)
    columns = parquet.columns_of(path, source.schema_arrow, strings=False)
    outcome = parquet.rewrite(source, path, columns, path.with_suffix(".out"))
except UserError as error:
    outcome = str(error)
print(json.dumps([outcome, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024]))
"""


def folded(count: int) -> pa.Array:
    """So many long texts, of which a file holds one."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([LONG]))


MANY = 40_000_000
BOMBS: dict[str, Callable[[], pa.Array]] = {
    "texts": lambda: folded(2_000),
    "texts in lists": lambda: pa.ListArray.from_arrays(pa.array(range(0, 2_001, 20)), folded(2_000)),
    "one row of texts": lambda: pa.ListArray.from_arrays(pa.array([0, 2_000]), folded(2_000)),
    "nulls": lambda: pa.nulls(MANY, pa.int8()),
    "one row of nulls": lambda: pa.ListArray.from_arrays(pa.array([0, MANY]), pa.nulls(MANY, pa.int8())),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_unfolds_to_gigabytes_is_refused_with_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"a": BOMBS[name]()}), path, store_schema=False, row_group_size=100_000_000)
    assert path.stat().st_size < 250_000
    command = [sys.executable, "-c", MEASURED, str(path)]
    outcome, megabytes = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)
    assert "unfolds to over 256 MB" in outcome or "row 1: larger than 100 MB" in outcome
    assert megabytes < 600


def rewritten(path: Path, columns: tuple[Column, ...] | None = None) -> list[dict[str, Any]]:
    source = parquet.open_parquet(path)
    columns = columns or parquet.columns_of(path, source.schema_arrow, strings=False)
    count = parquet.rewrite(source, path, columns, path.with_suffix(".out"))
    rows: list[dict[str, Any]] = pq.read_table(path.with_suffix(".out")).to_pylist()
    assert len(rows) == count
    return rows


def test_pieces_hold_the_rows_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_PIECE", 1_000)
    rows = [
        {"n": n, "t": f"text {n % 7}" * 5, "l": [f"x{n}"] * (n % 4), "r": {"a": f"y{n % 3}", "b": n}}
        for n in range(500)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet", row_group_size=130)
    assert rewritten(tmp_path / "x.parquet") == rows


def test_a_dictionary_that_became_too_large_below_a_list_is_read_all_the_same(tmp_path: Path) -> None:
    rows = [{"l": [f"{n} {item}" for item in range(n % 4)], "t": str(n)} for n in range(5_000)]
    pq.write_table(
        pa.Table.from_pylist(rows), tmp_path / "x.parquet", dictionary_pagesize_limit=1_000, data_page_size=500
    )
    assert rewritten(tmp_path / "x.parquet") == rows


def test_a_text_that_is_no_utf8_is_an_error_of_the_file(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    for texts, by_dictionary in ((broken, False), (broken, True)):
        pq.write_table(pa.table({"a": texts}), tmp_path / "x.parquet", use_dictionary=by_dictionary)
        with pytest.raises(UserError, match=r"x\.parquet, after row 0: no valid Parquet .*UTF8"):
            rewritten(tmp_path / "x.parquet")


def test_a_double_with_more_decimals_than_numeric_keeps_is_refused_not_rounded(tmp_path: Path) -> None:
    columns = (Column("a", "NUMERIC"),)
    pq.write_table(pa.table({"a": [0.5, 0.1]}), tmp_path / "x.parquet")
    assert [str(row["a"]) for row in rewritten(tmp_path / "x.parquet", columns)] == ["0.500000000", "0.100000000"]
    pq.write_table(pa.table({"a": [0.5, 0.12345678901]}), tmp_path / "x.parquet")
    with pytest.raises(UserError, match="row 2: column a does not fit decimal"):
        rewritten(tmp_path / "x.parquet", columns)


def test_a_cut_or_changed_file_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [f"text {n}" for n in range(1_000)]}), path)
    content = path.read_bytes()
    for broken in (
        content[:-9],
        content[:200] + b"\0" * 100 + content[300:],
        content[:4] + content[-300:],
        b"PAR1PAR1",
    ):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"x\.parquet"):
            rewritten(path)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (pa.schema([(f"c{n}", pa.int64()) for n in range(10_001)]), "10,001 columns, and a table has at most 10,000"),
        (pa.schema([("a", pa.struct([("b c", pa.int64())]))]), "field 'b c' has no name that a table takes"),
        (pa.schema([("a", pa.int64()), ("A", pa.int64())]), "several columns are called 'a'"),
    ],
    ids=["many columns", "a name", "twice"],
)
def test_a_shape_that_no_table_has_is_named(schema: pa.Schema, message: str, tmp_path: Path) -> None:
    pq.write_table(schema.empty_table(), tmp_path / "x.parquet")
    with pytest.raises(UserError, match=message):
        rewritten(tmp_path / "x.parquet")
