"""What counts as the same row, and how a difference is told."""

from decimal import Decimal

from engines.compare import differences


def test_rows_in_another_order_are_the_same() -> None:
    assert differences("q", [{"a": 1}, {"a": 2}, {"a": 2}], [{"a": 2}, {"a": 1}, {"a": 2}]) == []


def test_a_row_that_comes_once_more_is_a_difference() -> None:
    assert differences("q", [{"a": 1}, {"a": 1}], [{"a": 1}]) == [
        "q: 2 rows here, 1 by Google; 1 and 0 differ",
        "  only here:      {'a': 1}",
    ]


def test_the_last_place_of_a_float_does_not_count_and_the_next_does() -> None:
    assert differences("q", [{"a": 0.1 + 0.2}], [{"a": 0.3}]) == []
    assert differences("q", [{"a": 0.3000001}], [{"a": 0.3}])


def test_json_is_compared_by_value() -> None:
    assert differences("q", [{"a": '{"x": 1.0, "y": [2]}'}], [{"a": '{"y":[2],"x":1}'}]) == []
    assert differences("q", [{"a": '{"x": 1}'}], [{"a": '{"x": "1"}'}])


def test_null_is_only_null_and_a_decimal_is_its_value() -> None:
    assert differences("q", [{"a": None}], [{"a": 0}])
    assert differences("q", [{"a": Decimal("1.50")}], [{"a": Decimal("1.5")}]) == []


def test_the_columns_that_differ_are_named() -> None:
    assert differences("q", [{"id": 1, "a": 1, "b": "x"}], [{"id": 1, "a": 1, "b": "y"}]) == [
        "q: 1 rows here, 1 by Google; 1 and 1 differ",
        "  only here:      {'id': 1, 'b': 'x'}",
        "  only by Google: {'id': 1, 'b': 'y'}",
    ]
