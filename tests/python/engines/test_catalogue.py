"""The differential catalogue: what the local warehouse answers, Google's reference implementation answers too."""

import math
import re
from collections.abc import Callable

import pytest

from conftest import PROJECT_DIR
from engines.catalogue import document, report
from engines.catalogue.engines import Outcome
from engines.catalogue.verdicts import verdict
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
    # As many are computed, and not refused, as the decision log says.
    tried, equal, refused = counts_of_the_log()
    assert (sum(made.counts.values()), made.total("equal"), made.total("refused")) == (tried, equal, refused)


def counts_of_the_log() -> tuple[int, ...]:
    """Tried, equal and refused, as they stand in the decision log."""
    text = (PROJECT_DIR / "analyses" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"([\d,]+) expressions tried: ([\d,]+) equal, ([\d,]+) refused, none wrong", text)
    assert found is not None
    return tuple(int(number.replace(",", "")) for number in found.groups())


def test_the_catalogue_has_as_many_expressions_as_the_decision_log_says() -> None:
    tried, equal, refused = counts_of_the_log()
    assert len(report.all_cases()) == tried == equal + refused


BASE = Outcome("FLOAT64", 1.0)
NEXT = [1.0]
for _ in range(5):
    NEXT.append(math.nextafter(NEXT[-1], 2.0))


@pytest.mark.parametrize(
    ("google", "local", "expected"),
    [
        (BASE, BASE, "equal"),
        (BASE, Outcome("FLOAT64", NEXT[4]), "equal"),
        (BASE, Outcome("FLOAT64", NEXT[5]), "wrong"),
        (BASE, Outcome("FLOAT64", math.nan), "wrong"),
        (BASE, Outcome("NUMERIC", 1.0), "wrong"),
        (Outcome("INT64", 1), Outcome("INT64", 2), "wrong"),
        (Outcome("INT64", 1), Outcome("INT64", True), "wrong"),
        (Outcome("INT64", None), Outcome("INT64", 0), "wrong"),
        (Outcome("ARRAY<INT64>", [1, 2]), Outcome("ARRAY<INT64>", [2, 1]), "wrong"),
        (BASE, Outcome("", None, refusal="The local warehouse cannot compute f() as BigQuery does."), "refused"),
        (BASE, Outcome("", None, refusal="division by zero"), "wrong"),
        (Outcome("", None, refusal="out of range"), BASE, "wrong"),
        (Outcome("", None, refusal="out of range"), Outcome("", None, refusal="overflow"), "equal"),
    ],
)
def test_another_value_type_or_error_is_wrong(google: Outcome, local: Outcome, expected: str) -> None:
    assert verdict(google, local) == expected


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
