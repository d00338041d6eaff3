"""A record without a name that got one: the nameless one is taken back by the export that does not hold it any more."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.importers.usage import LoadReport
from incident_ledger.policy import load_files
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.suites import load_suite
from usage.answers import ApiResponse, code, page
from usage.conftest import START, Place, total
from usage.scenarios import Load, Outcome, story


def nameless(day: str, tokens: int, **more: Any) -> ApiResponse:
    """A person's record whose e-mail is missing."""
    return {**code(day, "", tokens, 1), "actor": {"type": "user_actor"}, **more}


def ann(day: str, tokens: int, **more: Any) -> ApiResponse:
    return {**code(day, "ann@example.com", tokens, 1), **more}


def bob(day: str, tokens: int, **more: Any) -> ApiResponse:
    return {**code(day, "bob@example.com", tokens, 1), **more}


def counts(report: LoadReport) -> tuple[int, int]:
    return report.new, report.retracted


@pytest.fixture
def counted(place: Place) -> Any:
    """Tokens of a day by user, as staging counts them."""

    def of(day: str) -> list[tuple[str | None, int]]:
        rows = place.staged("stg_anthropic__claude_code", f"usage_date = '{day}'")
        return sorted(((row["user_email"], row["output_tokens"]) for row in rows), key=str)

    return of


NAMED = story(
    2016,
    Load("claude_code", page(nameless("2016-03-01", 100), bob("2016-03-01", 7))),
    then=[Load("claude_code", page(ann("2016-03-01", 100), bob("2016-03-01", 7)))],
)


def test_tokens_count_once_and_under_the_person(outcome: Outcome) -> None:
    assert [(row["user_name"], row["output_tokens"]) for row in outcome.first[NAMED]] == [
        (None, 100),
        ("bob@example.com", 7),
    ]
    assert [(row["user_name"], row["output_tokens"]) for row in outcome.then[NAMED]] == [
        ("ann@example.com", 100),
        ("bob@example.com", 7),
    ]
    assert [counts(report) for report in outcome.reports[NAMED]] == [(2, 0), (1, 1)]


def test_the_same_export_again_adds_nothing(place: Place, counted: Any) -> None:
    raw = place.warehouse.raw("usage_records")
    place.load("claude_code", page(nameless("2031-01-01", 100)))
    named = [place.load("claude_code", page(ann("2031-01-01", 100)), name="named.jsonl") for _ in range(2)]
    assert [counts(report) for report in named] == [(1, 1), (0, 0)]
    assert counted("2031-01-01") == [("ann@example.com", 100)]
    assert place.warehouse.rows(f"select record from {raw} where day = '2031-01-01' and record = 'null'") == [
        {"record": "null"}
    ]


def test_the_day_is_noted_with_the_row_that_takes_back(place: Place) -> None:
    place.load("claude_code", page(nameless("2031-01-02", 100)))
    place.load("claude_code", page(ann("2031-01-02", 100)))
    loads = place.warehouse.raw("usage_loads")
    noted = place.warehouse.rows(f"select records from {loads} where day = '2031-01-02' order by loaded_at")
    assert [row["records"] for row in noted] == [1, 2]


def test_a_record_that_comes_back_counts_again_and_can_go_again(place: Place, counted: Any) -> None:
    day = "2031-01-03"
    for members in ([nameless(day, 100)], [ann(day, 90)], [nameless(day, 100), ann(day, 90)]):
        last = place.load("claude_code", page(*members))
    assert counts(last) == (1, 0)
    assert counted(day) == [("ann@example.com", 90), (None, 100)]
    assert counts(place.load("claude_code", page(ann(day, 90), bob(day, 100)))) == (1, 1)
    assert counted(day) == [("ann@example.com", 90), ("bob@example.com", 100)]


def test_one_of_two_without_a_name_gets_one(place: Place, counted: Any) -> None:
    day = "2031-01-04"
    place.load("claude_code", page(nameless(day, 1), nameless(day, 2)))
    assert counts(place.load("claude_code", page(ann(day, 1), nameless(day, 2)))) == (2, 1)
    assert counted(day) == [("ann@example.com", 1), (None, 2)]


def test_what_has_a_name_is_never_taken_back(place: Place, counted: Any) -> None:
    day, key = "2031-01-05", {"actor": {"type": "api_actor", "api_key_name": "ci"}}
    place.load("claude_code", page(bob(day, 1), nameless(day, 2, **key)))
    assert counts(place.load("claude_code", page(ann(day, 3)))) == (1, 0)
    assert counted(day) == [("ann@example.com", 3), ("bob@example.com", 1), (None, 2)]


def test_a_page_that_says_that_there_is_more_takes_nothing_back(place: Place, counted: Any) -> None:
    day = "2031-01-06"
    place.load("claude_code", page(nameless(day, 100)))
    assert counts(place.load("claude_code", page(ann(day, 100), has_more=True))) == (1, 0)
    assert counted(day) == [("ann@example.com", 100), (None, 100)]


def test_the_last_page_alone_takes_nothing_of_the_others_back_and_all_pages_do(place: Place, counted: Any) -> None:
    day = "2031-01-07"
    place.load("claude_code", page(nameless(day, 100), has_more=True))
    last = page(bob(day, 7))
    assert counts(place.load("claude_code", last)) == (1, 0)
    assert counts(place.load("claude_code", page(ann(day, 100), has_more=True))) == (1, 0)
    assert counted(day) == [("ann@example.com", 100), ("bob@example.com", 7), (None, 100)]
    whole = place.load("claude_code", page(ann(day, 101), has_more=True), last)
    assert counts(whole) == (1, 1)
    assert counted(day) == [("ann@example.com", 101), ("bob@example.com", 7)]


def test_a_page_of_what_is_known_takes_nothing_back(place: Place, counted: Any) -> None:
    day = "2031-01-08"
    last = page(bob(day, 7))
    place.load("claude_code", page(nameless(day, 100), has_more=True), last, name="known.jsonl")
    assert counts(place.load("claude_code", last, name="known.jsonl")) == (0, 0)
    assert counted(day) == [("bob@example.com", 7), (None, 100)]


def test_a_record_that_stands_alone_takes_nothing_back(place: Place, counted: Any) -> None:
    day = "2031-01-17"
    place.load("claude_code", page(nameless(day, 100)))
    assert counts(place.load("claude_code", bob(day, 7))) == (1, 0)
    assert counted(day) == [("bob@example.com", 7), (None, 100)]


def test_another_organisations_export_takes_nothing_back(place: Place, counted: Any) -> None:
    day = "2031-01-09"
    place.load("claude_code", page(nameless(day, 100, organization_id="a")))
    assert counts(place.load("claude_code", page(ann(day, 1, organization_id="b")))) == (1, 0)
    assert counts(place.load("claude_code", page(ann(day, 100, organization_id="a")))) == (1, 1)
    assert counted(day) == [("ann@example.com", 1), ("ann@example.com", 100)]


def test_an_export_of_which_something_was_refused_takes_nothing_back(place: Place, counted: Any) -> None:
    """The refused record may be the nameless one."""
    day = "2031-01-10"
    place.load("claude_code", page(nameless(day, 100)))
    refused = nameless(day, 100, is_remote="no")
    assert counts(place.load("claude_code", page(bob(day, 7), refused))) == (1, 0)
    assert counted(day) == [("bob@example.com", 7), (None, 100)]


def test_an_older_export_takes_nothing_of_a_newer_back(place: Place, counted: Any) -> None:
    day = "2031-01-11"
    place.load("claude_code", page(nameless(day, 100)), exported_at=datetime(2031, 1, 13, tzinfo=UTC))
    older = place.load("claude_code", page(bob(day, 7)), exported_at=datetime(2031, 1, 12, tzinfo=UTC))
    assert counts(older) == (1, 0)
    assert counted(day) == [("bob@example.com", 7), (None, 100)]


def test_a_file_corrected_in_its_place_and_loaded_for_the_same_time_takes_back(place: Place, counted: Any) -> None:
    day = "2031-01-12"
    for record in (nameless(day, 100), ann(day, 100)):
        last = place.load("claude_code", page(record), name="in_place.jsonl", at=START)
    assert counts(last) == (1, 1)
    assert counted(day) == [("ann@example.com", 100)]


def test_days_are_judged_each_for_itself(place: Place, counted: Any) -> None:
    place.load("claude_code", page(nameless("2031-01-13", 1), nameless("2031-01-14", 2), nameless("2031-01-15", 3)))
    report = place.load("claude_code", page(ann("2031-01-13", 1)), page(ann("2031-01-14", 2), has_more=True))
    assert counts(report) == (2, 1)
    assert report.incomplete_days == (date(2031, 1, 14),)
    assert counted("2031-01-13") == [("ann@example.com", 1)]
    assert counted("2031-01-14") == [("ann@example.com", 2), (None, 2)]
    assert counted("2031-01-15") == [(None, 3)]


def test_a_load_that_died_before_it_took_back_is_completed_by_loading_again(
    place: Place, counted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, answer = "2031-01-16", page(ann("2031-01-16", 100))
    place.load("claude_code", page(nameless(day, 100)))
    with monkeypatch.context() as patch:
        patch.setattr("incident_ledger.importers.usage.record_writer._NAMELESS", "select killed")
        with pytest.raises(Exception, match="killed"):
            place.load("claude_code", answer, name="killed.jsonl")
    assert counts(place.load("claude_code", answer, name="killed.jsonl")) == (0, 1)
    assert counted(day) == [("ann@example.com", 100)]
    assert total(place.staged("stg_ledger__usage_loads", f"usage_date = '{day}'"), "records") == 3


def test_the_breach_of_the_day_ends_with_the_check_after_the_corrected_export(place: Place) -> None:
    """One of two people has no name: 50 % of the records, P1."""
    policy = load_files(PROJECT_DIR / "seeds" / "policy")
    suite = load_suite(PROJECT_DIR / "tests" / "gx" / "stg_anthropic__claude_code.json")
    now = datetime(2031, 2, 2, tzinfo=UTC)

    def severity(at: datetime) -> str | None:
        batches = check_all(place.warehouse, policy, run_id=f"{at:%H}", now=at, suites=[suite])
        (found,) = (batch for batch in batches if batch.day == date(2031, 2, 1))
        return found.severity_level

    place.load("claude_code", page(nameless("2031-02-01", 100), bob("2031-02-01", 7)), at=now)
    assert severity(now + timedelta(hours=1)) == "P1"
    place.load("claude_code", page(ann("2031-02-01", 100), bob("2031-02-01", 7)), at=now + timedelta(hours=2))
    assert severity(now + timedelta(hours=3)) is None
