"""JSON of others is read within bounds, and what is refused has its place."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.encoding import MAX_DEPTH, Fault, JsonError, find_fault, read_json, scan_json, written_json

DEEP = 100_000
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)  # fmt: skip


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_what_json_holds_is_read_as_it_is(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert read_json(text) == read_json(text.encode()) == read_json("\ufeff" + text) == scan_json(text) == value
    assert find_fault(scan_json(text)) is None


@pytest.mark.parametrize(
    ("text", "reason", "line", "column", "path"),
    [
        ('{"a": [1,\n  {"b": 1e400}]}', "1e400 is too large a number", 2, 9, "a[1].b"),
        ('{"a": -1e400}', "-1e400 is too large a number", 1, 7, "a"),
        ('{"a": 1e-400}', "1e-400 is too small a number", 1, 7, "a"),
        ('{"a": ' + "9" * 5000 + "}", "a number has 5000 digits, over 39", 1, 7, "a"),
        ('{"a": NaN}', "NaN is not a number of JSON", 1, 7, "a"),
        ('{"a": [-Infinity]}', "-Infinity is not a number of JSON", 1, 8, "a[0]"),
        ('[{"a": 1, "b": 2, "a": 3}]', "an object has the key 'a' twice", 1, 2, "[0]"),
        ('{"a": "x\\u0000"}', "a text holds the character NUL (\\u0000)", 1, 7, "a"),
        ('{"a": "\\ud83d"}', "a text holds half a character (a lone surrogate)", 1, 7, "a"),
        ('{"a": {"\\ud83d": 1}}', "a text holds half a character (a lone surrogate)", 1, 7, "a"),
        ('{"a":\n "\ud800"}', "a text holds half a character (a lone surrogate)", 2, 2, "a"),
        ('{"a": [1, 2}', "Expecting ',' delimiter", 1, 12, "a[1]"),
        ('{"a": {"b": tru}}', "Expecting value", 1, 13, "a.b"),
        ("", "is empty", 0, 0, ""),
        (" \n", "is empty", 0, 0, ""),
        ('{"a": "x', "Unterminated string starting at", 1, 7, "a"),
        ("[" * DEEP, f"nested more than {MAX_DEPTH} deep", 1, MAX_DEPTH + 1, None),
        ("[" * DEEP + "]" * DEEP, f"nested more than {MAX_DEPTH} deep", 1, MAX_DEPTH + 1, None),
        ("[" * 101 + "]" * 101, f"nested more than {MAX_DEPTH} deep", 1, MAX_DEPTH + 1, None),
        ('{"a":' * DEEP, f"nested more than {MAX_DEPTH} deep", 1, 5 * MAX_DEPTH + 1, None),
        ('{"a": ' + '{"b":' * DEEP + "1" + "}" * DEEP + "}", f"nested more than {MAX_DEPTH} deep", 1, None, None),
    ],
)  # fmt: skip
def test_a_refused_text_has_reason_line_column_and_field(
    text: str, reason: str, line: int, column: int | None, path: str | None
) -> None:
    with pytest.raises(JsonError) as caught:
        read_json(text)
    error = caught.value
    assert (error.reason, error.line) == (reason, line)
    assert column is None or error.column == column
    assert path is None or error.path == path
    assert len(str(error)) < 300
    assert "\n" not in str(error)
    str(error).encode()


def test_bad_utf8_is_named_with_line_and_column() -> None:
    with pytest.raises(JsonError, match=r"^byte 0xff is not UTF-8 at line 2, column 6$"):
        read_json(b'\xef\xbb\xbf{"a":\n  "\xc3\xa9x\xff"}')
    with pytest.raises(JsonError, match="byte 0xff is not UTF-8 at line 1, column 1"):
        read_json("{}".encode("utf-16"))


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(read_json(text)) == text


def test_numbers_are_kept_as_they_are_written_when_asked() -> None:
    text = '{"a": 1.10, "b": 12345678901234567890.123456789, "c": 3}'
    assert read_json(text, number=Decimal) == {
        "a": Decimal("1.10"), "b": Decimal("12345678901234567890.123456789"), "c": Decimal(3),
    }  # fmt: skip
    assert read_json(text, number=str)["a"] == "1.10"


@pytest.mark.parametrize(
    "bad",
    ["1e400", "9" * 5000, "NaN", '{"x": 1, "x": 2}', '"\\u0000"', '"\\udfff"', "[" * 500 + "]" * 500,
     "[" * DEEP + "]" * DEEP, '{"k":' * DEEP + "1" + "}" * DEEP],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_one_bad_record_leaves_the_others(bad: str) -> None:
    found = scan_json(f'{{"data": [{{"n": 1}}, {{"n": {bad}, "m": "kept"}}, {{"n": 3}}]}}')["data"]
    assert [find_fault(record) is None for record in found] == [True, False, True]
    assert found[0] == {"n": 1}
    assert found[2] == {"n": 3}
    steps, fault = find_fault(found[1]) or ([], Fault(""))
    assert steps[0] == "n"
    assert fault.reason
    assert '"m": "kept"' in written_json(found[1])


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")))
def test_anything_else_is_a_json_error(content: bytes) -> None:
    for text in (content, content.decode(errors="surrogateescape")):
        try:
            value = read_json(text)
        except JsonError as error:
            str(error).encode()
        else:
            json.dumps(value, allow_nan=False).encode()
