"""The differential catalogue: what the local warehouse answers, Google's reference implementation answers too."""

from collections.abc import Callable

import pytest

from engines.catalogue import document, report
from engines.recorder import expected_to_be_refused
from incident_ledger.errors import StatementError
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.local.functions import check


@pytest.mark.parametrize("seed", [1])
def test_a_sample_of_the_catalogue_is_equal_or_refused(warehouse: Warehouse, seed: int) -> None:
    with expected_to_be_refused():
        made = report.compare(warehouse, report.sample(150, seed))
    assert not made.wrong, "\n".join(made.wrong)


@pytest.mark.soak
def test_the_whole_catalogue_is_equal_or_refused(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    with expected_to_be_refused():
        made = report.compare(warehouse, report.all_cases())
    with capsys.disabled():
        print(f"\n{made.summary()}")  # noqa: T201
    assert not made.wrong, "\n".join(made.wrong)


def test_what_is_refused_is_not_proven() -> None:
    assert not check.proven() & check.refused()


@pytest.mark.soak
def test_what_is_proven_is_named_by_the_catalogue() -> None:
    assert check.proven() <= report.candidates()


def test_the_page_lists_what_is_proven_and_refused() -> None:
    assert document.PATH.read_text(encoding="utf-8") == document.document()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select approx_quantiles(x, 2)[offset(1)] from unnest([1, 2]) as x", r"cannot compute approx_quantiles\(\)"),
        ("select no_such_function(1)", r"cannot compute no_such_function\(\)"),
        ("select cast(1 as bignumeric)", r"cannot compute cast\(… as bignumeric\)"),
        ("select cast('nan' as float64)", "cannot compute NaN and infinity"),
        ("select sqrt(numeric '2')", "cannot compute sqrt of NUMERIC"),
        ("select format_date('%k', date '2026-01-01')", "cannot compute the element %k"),
    ],
)
def test_what_is_not_proven_is_refused_by_name(warehouse: Warehouse, sql: str, words: str) -> None:
    with expected_to_be_refused(), pytest.raises(StatementError, match=words) as refusal:
        warehouse.rows(sql)
    assert refusal.value.reason == "invalidQuery"


def test_what_a_person_writes_is_named_in_a_refusal() -> None:
    show: Callable[[str], str] = check.shown
    assert [show(key) for key in ("date_trunc:week(monday)", "cast:int64", "operator:add", "json 'null'", "md5")] == [
        *("date_trunc(…, week(monday))", "cast(… as int64)", "the operator add", "json 'null'", "md5()"),
    ]
