"""The type of a new column changes no digit, and no two texts become one value."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.loading.file_load import _columns_of, _typed
from incident_ledger.warehouse.loading.type_detection import Guess
from incident_ledger.warehouse.loading.values import BadValueError, Number, convert

DIGITS = st.text("0123456789", min_size=1, max_size=34)
NUMBERS = st.one_of(
    st.builds("{}{}.{}".format, st.sampled_from(["", "-"]), DIGITS, DIGITS),
    st.builds("{}{}".format, st.sampled_from(["", "-"]), DIGITS),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["1.1", "1.10", "1.9", "0", "-0", "0.0", "-0.0", "1", "1.0", "100"]),
    st.sampled_from(["1e2", "1E+2", "1e400", "1e-400"]),
)  # fmt: skip


def column_of(values: list[Any], *, text_only: bool) -> Column:
    guess = Guess(text_only=text_only)
    for value in values:
        guess.see(value)
    return guess.column("a")


@given(st.lists(NUMBERS, min_size=1, max_size=4), st.booleans())
def test_no_digit_changes_and_no_two_texts_become_one(texts: list[str], is_csv: bool) -> None:
    values = texts if is_csv else [Number(text) for text in texts]
    column = column_of(values, text_only=is_csv)
    kept = [convert(value, column) for value in values]
    assert len(set(map(str, kept))) == len(set(texts))
    for text, value in zip(texts, kept, strict=True):
        written = repr(value) if isinstance(value, float) else str(value)
        assert Decimal(written) == Decimal(text)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["0.1", "0.25", "10"], "NUMERIC"),
        (["10.00", "20.10", "5.00"], "NUMERIC"),
        (["10", "20.50"], "STRING"),
        (["10.0", "2.25", "0.30000000000000004"], "FLOAT64"),
        (["0.12345678901234567", "0.1"], "STRING"),
        (["12345678901234567890123456789.123456789"], "NUMERIC"),
        (["123456789012345678901234567890.1"], "STRING"),
        (["-0"], "STRING"),
        (["-0.0"], "FLOAT64"),
        (["9" * 5000], "STRING"),
        (["-9223372036854775808", "9223372036854775807"], "INT64"),
        (["-9223372036854775809"], "NUMERIC"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_column_of_numbers_has_the_type_that_writes_them_again(texts: list[str], kind: str) -> None:
    assert column_of(texts, text_only=True).kind == kind
    assert column_of([Number(text) for text in texts], text_only=False).kind == kind


@pytest.mark.parametrize(
    ("texts", "kind"), [(["1e+21", "3"], "FLOAT64"), (["1e-07", "1.0"], "FLOAT64"), (["1e5"], "STRING")]
)
def test_json_writes_doubles_with_an_exponent(texts: list[str], kind: str) -> None:
    assert column_of([Number(text) for text in texts], text_only=False).kind == kind


def test_the_files_of_the_field_keep_every_value(shared_data: Path) -> None:
    found = {}
    for name in ("version.csv", "bigdec.csv", "floats.csv", "dec17.csv", "dec.jsonl"):
        path, kind = shared_data / "field" / name, "JSON" if name.endswith("l") else "CSV"
        columns = _columns_of(path, kind, strings=False, on_bytes=lambda _size: None)
        rows = list(_typed(path, kind, columns, lambda _size: None))
        found[name] = {item.name: (item.kind, [str(row[place]) for row in rows]) for place, item in enumerate(columns)}
    assert found["version.csv"]["version"] == ("STRING", ["1.9", "1.10", "1.1"])
    assert found["version.csv"]["price"] == ("NUMERIC", ["10.00", "20.10", "5.00"])
    assert found["bigdec.csv"]["x"] == ("NUMERIC", ["0.1", "1234567890123456789012345678.123456789"])
    assert found["floats.csv"]["x"] == ("NUMERIC", ["0.1", "12345678901234567890.123456789", "3"])
    assert found["dec17.csv"]["cost"] == ("STRING", ["0.12345678901234567", "0.1"])
    assert found["dec.jsonl"]["x"] == ("STRING", ["12345678901234567890.123456789", "0.1", "1.10"])


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("INT64", "9" * 5000, "is no INT64"),
        ("INT64", "٣", "is no INT64"),
        ("FLOAT64", "1e400", "beyond what FLOAT64 keeps"),
        ("FLOAT64", "1e-400", "beyond what FLOAT64 keeps"),
        ("NUMERIC", "1e999", "more digits than NUMERIC keeps"),
        ("NUMERIC", "1e9999999", "is no NUMERIC"),
        ("NUMERIC", "1" * 5000, "more digits than NUMERIC keeps"),
        ("BIGNUMERIC", "0." + "1" * 39, "more digits than BIGNUMERIC keeps"),
        ("TIMESTAMP", "0001-01-01T00:00:00+14:00", "outside of the years 1 to 9999"),
        ("TIMESTAMP", "9999-12-31T23:59:59-14:00", "outside of the years 1 to 9999"),
        ("TIMESTAMP", "2026-01-01T00:00:00,1234567Z", "finer than a microsecond"),
        ("TIME", "10:00:00+02:00", "has a time zone"),
        ("TIME", "10:00:00.1234567", "finer than a microsecond"),
        ("BYTES", "é", "is no BYTES"),
        ("BYTES", "a", "is no BYTES"),
        ("JSON", Number("1e400"), "1e400 is too large a number"),
        ("JSON", {"a": [Number("9" * 5000)]}, "a\\[0\\]: a number has 5000 digits"),
        ("JSON", {"a": "\0"}, "a: a text holds the character NUL"),
        ("STRING", "\ud83d", "half of a character"),
    ],
    ids=lambda value: str(value)[:30].encode(errors="backslashreplace").decode(),
)
def test_a_value_that_a_column_cannot_keep_is_named(kind: str, value: Any, message: str) -> None:
    with pytest.raises(BadValueError, match=message) as caught:
        convert(value, Column("a", kind))
    assert len(str(caught.value)) < 200


def test_times_beyond_the_calendar_are_text_in_a_new_column() -> None:
    assert column_of(["0001-01-01T00:00:00+14:00"], text_only=True).kind == "STRING"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"a": {"b c": Number("1"), "b-c": Number("2")}}, "field a: two keys are one column's name"),
        ({"a": {"": Number("1")}}, "field a: a key is empty"),
        ({"a": {"x" * 301: Number("1")}}, "longer than 300 characters"),
        (json.loads('{"a":' * 17 + "1" + "}" * 17), "nested deeper than 15 records"),
    ],
    ids=["one name", "empty", "long", "deep"],
)
def test_a_shape_that_no_table_has_is_named(record: Any, message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        Guess(text_only=False).see(record)


def test_fields_of_records_get_fit_names_whatever_their_case() -> None:
    column = column_of([{"b-c": Number("1")}, {"B-C": Number("2")}], text_only=False)
    assert [inner.name for inner in column.fields] == ["b_c"]
    assert convert({"B C": Number("2")}, column) == {"b_c": 2}
