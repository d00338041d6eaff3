"""Pages over the ledger of cases: every number on a page is the one that SQL gives, whatever the filters choose."""

import itertools
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import PROJECT_DIR
from dashboards.browser import Page, browser, needs_chromium
from incident_ledger.cli._app import app
from incident_ledger.dashboards.card_queries import CardResult, ask_card, ask_cards
from incident_ledger.dashboards.definition import FOLDER, load_dashboards
from incident_ledger.dashboards.freshness import read_freshness
from incident_ledger.dashboards.incident_pages import read_pages
from incident_ledger.dashboards.page_html import incident_page_html
from incident_ledger.dashboards.render import Rendered, render
from incident_ledger.encoding import parse_time
from incident_ledger.errors import UserError
from incident_ledger.runner.build_state import BUILD, FAILED, write_records
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.modified import last_modified
from marts.conftest import AS_OF, Cases
from marts.ledger import Ledger

DASHBOARDS = {each.name: each for each in load_dashboards(PROJECT_DIR)}


@pytest.fixture(scope="module")
def pages(cases: Cases, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """The pages of the ledger of cases."""
    return render(cases.ledger.warehouse, cases.ledger.dbt, tmp_path_factory.mktemp("pages") / "pages", AS_OF)


@pytest.fixture(scope="module")
def cards(cases: Cases) -> Mapping[str, CardResult]:
    """The rows of every card."""
    return ask_cards(cases.ledger.warehouse, cases.ledger.dbt, list(DASHBOARDS.values()), AS_OF)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tab of a real browser."""
    with browser(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


def test_a_card_that_cannot_be_asked_is_named_and_the_pages_are_there(
    lost_cards: set[str], cases: Cases, tmp_path: Path
) -> None:
    pages = render(cases.ledger.warehouse, cases.ledger.dbt, tmp_path / "pages", AS_OF)
    assert set(pages.failed) == lost_cards
    names = {file.name for file in pages.folder.glob("*.html")}
    assert {"index.html", *(f"{name}.html" for name in DASHBOARDS)} < names
    assert len(names) == pages.files
    assert max(file.stat().st_size for file in pages.folder.iterdir()) < 3_000_000


def test_the_command_writes_the_pages_names_what_failed_and_ends_with_3(
    lost_cards: set[str], cases: Cases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCIDENT_LEDGER_PROJECT_DIR", str(PROJECT_DIR))
    monkeypatch.setenv("INCIDENT_LEDGER_API_ENDPOINT", str(cases.ledger.warehouse.settings.api_endpoint))
    monkeypatch.setenv("INCIDENT_LEDGER_LOCAL_DIR", str(tmp_path / "local"))
    arguments = ["dashboard", "render", str(tmp_path / "pages"), "--as-of", AS_OF.isoformat()]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 3, done.output
    named = re.findall(r"^error: (\w+) could not be computed: .*[Nn]ot found", done.stderr, re.MULTILINE)
    assert set(named) == lost_cards
    assert done.stdout.endswith(f"beginning with {tmp_path / 'pages' / 'index.html'}\n")
    text = (tmp_path / "pages" / "system-health.html").read_text(encoding="utf-8")
    assert "Not known as of when" in text


def test_pages_replace_their_own_and_no_other_files(pages: Rendered, cases: Cases, tmp_path: Path) -> None:
    ledger = cases.ledger
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        render(ledger.warehouse, ledger.dbt, tmp_path / "own", AS_OF)
    (pages.folder / "incident-INC-gone.html").write_text("old")
    again = render(ledger.warehouse, ledger.dbt, pages.folder, AS_OF)
    assert again.files == pages.files
    assert not (pages.folder / "incident-INC-gone.html").exists()
    assert [file.name for file in pages.folder.parent.iterdir()] == [pages.folder.name]


def test_an_incident_is_shown_where_a_mart_cannot_be_read(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = cases.ledger.warehouse
    ident = cases.first_one("operational_metrics", title="N2 open")["incident_id"]
    mart = warehouse.mart
    monkeypatch.setattr(warehouse, "mart", lambda name: mart("no_table" if name == "fct_response_sla" else name))
    (page,), failed = read_pages(warehouse, [ident], AS_OF)
    assert failed.keys() == {"fct_response_sla"}
    assert (page.clocks, page.messages) == (None, [])
    assert ("Open for", "600 minutes") in page.facts
    assert "The clocks could not be read." in incident_page_html(page, [], AS_OF)


def test_a_query_that_lacks_a_column_fails_its_card_alone(cases: Cases) -> None:
    card = DASHBOARDS["data-quality"].cards[0]
    result = ask_card(cases.ledger.warehouse, card, "select 1 as tables", AS_OF)
    assert result.error == "The query has no column tables_in_breach."


_CURRENT = "model.incident_ledger.int_current_incidents_measured"


def test_a_card_is_as_of_the_last_run_or_of_the_last_writing_of_a_table_that_it_left_out(
    lost_cards: set[str], cases: Cases
) -> None:
    warehouse, manifest = cases.ledger.warehouse, cases.ledger.dbt.manifest()
    names = [card.card for dashboard in DASHBOARDS.values() for card in dashboard.cards]
    now = datetime.now(UTC)
    run, page_time = now + timedelta(minutes=30), now + timedelta(hours=1)

    def fresh() -> Mapping[str, datetime | None]:
        return read_freshness(warehouse, manifest, names, page_time)

    by_hand = fresh()
    kept = "model.incident_ledger.int_incidents_measured"
    tables = (kept, "model.incident_ledger.int_incident_sla_deadlines", "model.incident_ledger.int_build_time")
    times = {name: _modified(warehouse, manifest.nodes[name]) or "" for name in tables}  # those of operational_metrics
    written = times[kept]
    assert by_hand["incident_list"] == min(map(parse_time, times.values())) < now
    assert by_hand["last_run_steps"] == page_time  # it stands on views alone
    assert {name for name, time in by_hand.items() if time is None} == lost_cards

    records = {name: ("key", _modified(warehouse, each)) for name, each in manifest.nodes.items() if _is_table(each)}
    try:
        write_records(warehouse, BUILD, records, "project", run)
        assert {time for name, time in fresh().items() if name not in lost_cards} == {run, page_time}
        assert fresh()["incident_list"] == run

        test_above = next(
            name
            for name, each in manifest.nodes.items()
            if each.resource_type == "test" and _CURRENT in each.depends_on_nodes
        )
        for failed in (kept, _CURRENT, test_above):
            write_records(warehouse, FAILED, {failed: ("", None)}, "project", run)
            assert fresh()["incident_list"] == parse_time(written), failed
            assert fresh()["failed_rate_by_day"] == run, failed

        write_records(warehouse, FAILED, {}, "project", run)
        write_records(warehouse, BUILD, records | {kept: ("key", "another")}, "project", run)
        assert fresh()["incident_list"] == parse_time(written)
    finally:
        warehouse.execute(f"delete from {warehouse.raw('build_state')} where true")


def _is_table(node: Any) -> bool:
    return node.resource_type == "model" and node.config.materialized != "view"


def _modified(warehouse: Warehouse, node: Any) -> str | None:
    return last_modified(warehouse, [(node.schema, node.identifier)])[node.schema, node.identifier]


@needs_chromium
@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_card_is_drawn_without_an_error_and_without_a_request(name: str, page: Page, pages: Rendered) -> None:
    page.open(pages.folder / f"{name}.html")
    assert page.problems == []
    assert page.requests == [(pages.folder / f"{name}.html").as_uri()]
    states = page.states()
    assert states.keys() == {card.card for card in DASHBOARDS[name].cards}
    assert {card for card, state in states.items() if state == "failed"} == set(pages.failed) & states.keys()
    for card in DASHBOARDS[name].cards:
        has_values = states[card.card] == "rows" and card.chart in {"columns", "bars", "lines"}
        zero = "Every value is 0." in page.text(f"#{card.card} .body")
        is_drawn = page.value(f"document.querySelector('#{card.card} svg[role=img]') !== null")
        assert is_drawn == (has_values and not zero), card.card


@needs_chromium
@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"severity": "P1"},
        {"period": "30"},
        {"severity": "P0", "period": "7", "component": "=api", "source": "test"},
    ],
)
def test_the_numbers_of_a_page_are_those_that_sql_gives_for_its_filters(
    choices: dict[str, str], page: Page, pages: Rendered, cases: Cases
) -> None:
    page.open(pages.folder / "incident-review.html")
    page.choose(**choices)
    where, params = _condition(choices)
    levels = "[severity_level]" if "severity" in choices else "[severity_level, 'all']"
    table = cases.ledger.warehouse.mart("operational_metrics")
    sql = f"""
        select distinct
            severity_shown,
            count(*) over (partition by severity_shown) as incidents,
            countif(is_open) over (partition by severity_shown) as open_incidents,
            percentile_cont(if('mttr' in unnest(excluded_measures), null, mttr_minutes), 0.5)
                over (partition by severity_shown) as median_minutes,
            percentile_cont(if('mttr' in unnest(excluded_measures), null, mttr_minutes), 0.9)
                over (partition by severity_shown) as p90_minutes
        from {table}
        cross join unnest({levels}) as severity_shown
        where {where}
        order by severity_shown
    """
    expected = cases.ledger.warehouse.rows(sql, params)
    shown = page.rows("times_by_severity")
    assert [(each["severity_shown"], each["incidents"], each["open_incidents"]) for each in shown] == [
        (row["severity_shown"], str(row["incidents"]), str(row["open_incidents"])) for row in expected
    ]
    exact = page.value("""[...document.querySelectorAll('#times_by_severity tbody tr')].map(row =>
        [row.cells[4].title || null, row.cells[5].title || null].map(each => each && parseFloat(each)))""")
    for (median, p90), row in zip(exact, expected, strict=True):
        assert (median, p90) == tuple(
            value if value is None else pytest.approx(value, rel=1e-9)
            for value in (row["median_minutes"], row["p90_minutes"])
        )
    count = sum(row["incidents"] for row in expected if row["severity_shown"] != "all")
    assert page.figures("review_numbers")["incidents"] == str(count)
    assert len(page.rows("incident_list")) == count
    causes = page.rows("incidents_by_cause")
    assert sum(int(each["incidents"]) for each in causes) == count


CHOICES: tuple[dict[str, str], ...] = ({}, {"severity": "P1"}, {"component": "=api", "period": "30"})
# Of each row of a card, as it is shown: the exact value of each number, and the text of everything else.
SHOWN_VALUES = """card => {
    const place = document.getElementById(card), names = [...place.querySelectorAll('th')].map(e => e.dataset.column);
    const figures = [...place.querySelectorAll('dd[data-column]')];
    if (figures.length) return [Object.fromEntries(figures.map(e => [e.dataset.column, e.title]))];
    return [...place.querySelectorAll('tbody tr')].map(row =>
        Object.fromEntries([...row.cells].map((cell, n) => [names[n], cell.title || cell.textContent])));
}"""
NUMBERS = {"integer", "number", "percent", "minutes"}


@needs_chromium
@pytest.mark.parametrize("choices", CHOICES, ids=["all", "P1", "api in 30 days"])
@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_number_on_a_page_is_that_of_its_query(
    name: str, choices: dict[str, str], page: Page, pages: Rendered, cards: Mapping[str, CardResult]
) -> None:
    dashboard = DASHBOARDS[name]
    page.open(pages.folder / f"{name}.html")
    chosen = {filter_name: value for filter_name, value in choices.items() if filter_name in dashboard.filters}
    offered = "value => [...document.querySelectorAll('#filters option')].some(each => each.value === value)"
    chosen = {key: value for key, value in chosen.items() if page.value(f"({offered})({json.dumps(value)})")}
    page.choose(**chosen)
    compared = 0
    for card in dashboard.cards:
        rows = [row for row in cards[card.card].rows if _is_chosen(row, card.filter_by, chosen)]
        if card.chart == "sentence" or (not rows and card.chart == "numbers"):
            continue
        shown = page.value(f"({SHOWN_VALUES})({json.dumps(card.card)})")
        assert len(shown) == (min(len(rows), 1) if card.chart == "numbers" else len(rows)), card.card
        for there, row in zip(shown, rows, strict=False):
            for column in card.columns:
                value, text = row[column.column], there[column.column]
                if value is None:
                    assert text in {"\N{EN DASH}", "not known"}, (card.card, column.column)
                elif column.format in NUMBERS:
                    assert float(text.split()[0]) == pytest.approx(float(value), rel=1e-9), (card.card, column.column)
                    compared += 1
                elif column.format in {"text", "state", "severity", "incident"}:
                    assert text == str(value), (card.card, column.column)
    assert compared > 0 or chosen


def _is_chosen(row: Mapping[str, Any], filter_by: Mapping[str, str], choices: Mapping[str, str]) -> bool:
    for name, how in filter_by.items():
        value, wanted = row[f"{name}_filter"], choices.get(name, "all")
        if how == "combinations" or (name != "period" and wanted != "all"):
            if value != wanted:
                return False
        elif wanted != "all" and not (value != "all" and int(value) <= int(wanted)):
            return False
    return True


@needs_chromium
def test_the_filters_can_be_reset(page: Page, pages: Rendered) -> None:
    page.open(pages.folder / "incident-review.html")
    before = page.figures("review_numbers")
    page.choose(severity="P0")
    assert page.figures("review_numbers") != before
    page.reset()
    assert page.figures("review_numbers") == before


def _condition(choices: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    columns = {"severity": "severity_level", "component": "component", "source": "source"}
    params = {name: value.removeprefix("=") for name, value in choices.items()} | {"as_of": AS_OF}
    conditions = [f"{columns[name]} = @{name}" for name in choices if name in columns]
    if "period" in choices:
        params["period"] = int(choices["period"])
        conditions.append("detection_time > timestamp_sub(@as_of, interval @period day)")
    return " and ".join(["detection_time <= @as_of", *conditions]), params


def test_a_combination_of_filters_is_there_once(cards: Mapping[str, CardResult]) -> None:
    for result in cards.values():
        filters = [f"{name}_filter" for name, how in result.card.filter_by.items() if how == "combinations"]
        if not filters:
            continue
        keys = [each for each in (result.card.x, result.card.series) if each]
        keys = keys or [each.column for each in result.card.columns if each.format in {"text", "severity", "month"}]
        found = [tuple(row[name] for name in (*filters, *keys)) for row in result.rows]
        assert len(found) == len(set(found)), result.card.card


def test_n2_the_median_is_that_of_all_and_not_of_parts(cards: Mapping[str, CardResult]) -> None:
    """Of P0 in March: resolved after 1774, 43, 4, 5, 6, 7, 5 minutes, one open for 600: median 6, p90 735.4."""
    (row,) = (
        row
        for row in cards["times_by_severity"].rows
        if row["severity_filter"] == row["severity_shown"] == "P0"
        and row["period_filter"] == "7"
        and row["component_filter"] == row["source_filter"] == "all"
    )
    assert (row["counted_incidents"], row["open_incidents"]) == (7, 1)
    assert row["mttr_median_minutes"] == 6
    assert row["mttr_p90_minutes"] == pytest.approx(735.4)
    assert row["oldest_open_minutes"] == 600


def test_d7_two_breaches_of_a_run_are_both_shown_with_their_rates(cards: Mapping[str, CardResult]) -> None:
    """3,316 of 15,179 records and a tenth: both are there, 21.85 % first."""
    rates = [row["failed_record_percent"] for row in cards["worst_rules"].rows if row["failed_record_percent"]]
    assert rates == sorted(rates, reverse=True)
    assert {round(rate, 2) for rate in rates} >= {21.85, 10.0}


def test_d7_an_open_incident_is_in_every_list_of_open_ones(cards: Mapping[str, CardResult]) -> None:
    opened = {row["incident_id"] for row in cards["open_incidents"].rows}
    listed = {row["incident_id"] for row in cards["incident_list"].rows if row["mttr_minutes"] is None}
    assert opened
    assert opened <= listed
    (glance,) = cards["health_glance"].rows
    assert glance["open_incidents"] == len(opened)
    assert glance["since_minutes"] == max(
        row["open_minutes"] for row in cards["open_incidents"].rows if row["severity_level"] == glance["worst_severity"]
    )


def test_d6_the_newest_day_is_in_the_last_thirty(cards: Mapping[str, CardResult]) -> None:
    recent = [row for row in cards["incident_list"].rows if row["period_filter"] in {"7", "30"}]
    assert max(row["detection_time"] for row in recent).date() == AS_OF.date()


def test_d4_a_share_of_clocks_is_not_rounded(cards: Mapping[str, CardResult]) -> None:
    rows = cards["clocks_kept"].rows
    shares = {(row["kept_clocks"], row["missed_clocks"]): row["kept_percent"] for row in rows}
    assert len({round(each) for each in shares.values() if each is not None and each != round(each)}) > 1
    for (kept, missed), percent in shares.items():
        assert percent == (pytest.approx(100 * kept / (kept + missed), rel=1e-12) if kept + missed else None)


def test_d8_a_change_is_said_in_words_and_minutes_and_in_no_percentage(cards: Mapping[str, CardResult]) -> None:
    """P1: three of 0 minutes in one month, 60 in the next; P2: one incident of a month is too few to tell."""
    result = cards["changes_by_month"]
    assert not [each.column for each in result.card.columns if each.format == "percent" or "percent" in each.column]
    rows = {(row["severity_filter"], row["month"]): row for row in result.rows}
    before, after = rows["P1", date(2025, 4, 1)], rows["P1", date(2025, 5, 1)]
    assert (before["median_minutes"], after["median_minutes"]) == (0.0, 60.0)
    words = {(level, month.month): row["duration_verdict"] for (level, month), row in rows.items() if level == "P2"}
    assert words["P2", 7] == words["P2", 8] == "too few to judge"
    assert ("P2", date(2025, 9, 1)) not in rows  # nothing of that month is no row of 0


def test_hours_in_which_nobody_looked_are_there_and_are_neither_good_nor_bad(cards: Mapping[str, CardResult]) -> None:
    """A table that is checked each hour was not from three to six on 28 February."""
    (row,) = (
        row
        for row in cards["hours_not_checked"].rows
        if (row["table_name"], row["check_date"]) == ("shop.orders", date(2026, 2, 28))
    )
    assert (row["hours_due"], row["hours_checked"], row["hours_not_checked"]) == (24, 21, 3)


def test_every_compiled_card_is_a_definition_and_the_reverse(cases: Cases) -> None:
    names = [card.card for dashboard in DASHBOARDS.values() for card in dashboard.cards]
    assert sorted(cases.ledger.dbt.analyses(FOLDER.as_posix())) == sorted(names)
    assert not any(one == other for one, other in itertools.pairwise(sorted(names)))


@needs_chromium
def test_the_four_dashboards_render_from_the_real_archive(
    archive: Ledger, shared_data: Path, page: Page, tmp_path: Path
) -> None:
    expected = json.loads((shared_data / "statuspage" / "expected_2023_2025.json").read_text())
    rendered = render(archive.warehouse, archive.dbt, tmp_path / "pages", AS_OF)
    assert set(rendered.failed) == set()
    for name in DASHBOARDS:
        page.open(rendered.folder / f"{name}.html")
        assert page.problems == []
        assert "failed" not in page.states().values()
        assert (rendered.folder / f"{name}.html").stat().st_size < 3_000_000
    page.open(rendered.folder / "incident-review.html")
    assert page.figures("review_numbers")["incidents"] == f"{expected['all']['incidents']:,}"
    shown = {row["severity_shown"]: int(row["incidents"].replace(",", "")) for row in page.rows("times_by_severity")}
    figures = {**expected["by_severity"], "all": expected["all"]}
    assert shown == {level: values["incidents"] for level, values in figures.items()}


def test_the_real_archive_has_its_figures_on_the_page(archive: Ledger, shared_data: Path) -> None:
    expected = json.loads((shared_data / "statuspage" / "expected_2023_2025.json").read_text())
    card = next(each for each in DASHBOARDS["incident-review"].cards if each.card == "times_by_severity")
    sql = archive.dbt.analyses(FOLDER.as_posix())[card.card]
    result = ask_card(archive.warehouse, card, sql, AS_OF)
    rows = {
        row["severity_shown"]: (
            row["incidents"],
            row["counted_incidents"],
            round(row["mttr_median_minutes"], 3),
            round(row["mttr_p90_minutes"], 3),
        )
        for row in result.rows
        if {row[f"{name}_filter"] for name in card.filter_by} == {"all"}
    }
    figures = {**expected["by_severity"], "all": expected["all"]}
    names = ("incidents", "resolved", "mttr_median", "mttr_p90")
    assert rows == {level: tuple(values[name] for name in names) for level, values in figures.items()}
