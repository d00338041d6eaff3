"""Pages made of made-up rows, in a real browser: hostile, empty, failed, and how a value is shown."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from dashboards.browser import Page, needs_chromium
from incident_ledger.dashboards.card_queries import CardResult
from incident_ledger.dashboards.definition import Card, CardColumn, Dashboard, load_dashboards
from incident_ledger.dashboards.incident_pages import incident_page
from incident_ledger.dashboards.page_data import cell, packed, script_json
from incident_ledger.dashboards.page_html import dashboard_page, incident_page_html, index_page
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import opened
from incident_ledger.ledger.state import RecordedEvent

DASHBOARDS = load_dashboards(PROJECT_DIR)
NAMES = [each.name for each in DASHBOARDS]
AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><img src=https://evil.test/x onerror=alert(2)>&\u2028" + "x" * 500
VALUES: Mapping[str, Any] = {
    "integer": 3, "number": 1.5, "percent": 33.333333333333336, "minutes": 40.0, "time": AS_OF,
    "date": AS_OF.date(), "month": date(2026, 3, 1), "severity": "P1", "state": "overdue", "incident": "INC-1",
}  # fmt: skip


def card_of(name: str) -> Card:
    """A card by its name."""
    return next(card for dashboard in DASHBOARDS for card in dashboard.cards if card.card == name)


def row(card: Card, text: str = HOSTILE) -> dict[str, Any]:
    """One row with a value of its format in each column, under `all` of each filter."""
    values = {column.column: VALUES.get(column.format, text) for column in card.columns}
    own = {name: f"={text}" for name, how in card.filter_by.items() if (name, how) == ("component", "rows")}
    return values | {f"{name}_filter": own.get(name, "all") for name in card.filter_by}


def nulls(card: Card) -> dict[str, Any]:
    return dict.fromkeys(row(card)) | {f"{name}_filter": "all" for name in card.filter_by}


def show(
    page: Page, folder: Path, dashboard: Dashboard, rows: Mapping[str, Sequence[Mapping[str, Any]]], **errors: str
) -> None:
    """A dashboard with these rows by card."""
    results = {card.card: CardResult(card, rows.get(card.card, ()), errors.get(card.card)) for card in dashboard.cards}
    file = folder / f"{dashboard.name}.html"
    file.write_text(dashboard_page(dashboard, [dashboard], results, ["INC-1"], AS_OF), encoding="utf-8")
    page.open(file)
    assert page.problems == []
    assert page.requests == [file.as_uri()]


@needs_chromium
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_empty_cards_say_so_in_their_own_words(dashboard: Dashboard, page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, dashboard, {})
    assert set(page.states().values()) == {"empty"}
    for card in dashboard.cards:
        assert page.text(f"#{card.card} .body") == card.empty


@needs_chromium
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_hostile_texts_are_shown_as_they_are(dashboard: Dashboard, page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, dashboard, {card.card: [row(card)] for card in dashboard.cards})
    assert set(page.states().values()) == {"rows"}
    assert page.value("document.querySelectorAll('img, main script').length") == 0
    if "component" in dashboard.filters:
        page.choose(component=cell(f"={HOSTILE}"))
        assert "rows" in page.states().values()
    texts = [each.column for card in dashboard.cards for each in card.columns if each.format == "text"]
    assert not texts or page.value("document.querySelector('main').textContent").count("<script>alert(1)") > 0


@needs_chromium
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_nulls_are_dashes_and_no_zero(dashboard: Dashboard, page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, dashboard, {card.card: [nulls(card)] for card in dashboard.cards})
    for card in dashboard.cards:
        if card.chart == "sentence":
            continue
        cells = page.figures(card.card) if card.chart == "numbers" else page.rows(card.card)[0]
        assert set(cells.values()) == {"–"}, card.card  # noqa: RUF001


@needs_chromium
def test_a_card_that_failed_says_so_and_the_others_stand(page: Page, tmp_path: Path) -> None:
    dashboard = DASHBOARDS[0]
    rows = {card.card: [row(card)] for card in dashboard.cards if card.card != "source_freshness"}
    show(page, tmp_path, dashboard, rows, source_freshness="Not found: <b>no_table</b>")
    states = page.states()
    assert states.pop("source_freshness") == "failed"
    assert set(states.values()) == {"rows"}
    words = "This card could not be computed: Not found: <b>no_table</b>"
    assert page.text("#source_freshness .body") == words


@needs_chromium
def test_the_glance_is_one_sentence(page: Page, tmp_path: Path) -> None:
    glance = {"open_incidents": 2, "worst_severity": "P1", "since_minutes": 40.0, "overdue_clocks": 0}
    show(page, tmp_path, DASHBOARDS[0], {"health_glance": [glance]})
    assert page.text("#health_glance .big") == "2 open, worst P1, since 40 min"
    none = {"open_incidents": 0, "worst_severity": None, "since_minutes": None, "overdue_clocks": None}
    show(page, tmp_path, DASHBOARDS[0], {"health_glance": [none]})
    assert page.text("#health_glance .big") == "Nothing is open."


SHOWN = {
    ("percent", 100 / 3): "33.33 %",
    ("percent", 200 / 3): "66.67 %",
    ("percent", 100 / 1_864_458): "under 0.01 %",
    ("percent", 0.0): "0 %",
    ("percent", 100 * 1_864_457 / 1_864_458): "over 99.99 %",
    ("percent", 100.0): "100 %",
    ("minutes", 0.0): "0 min",
    ("minutes", 1 / 3): "0.3 min",
    ("minutes", 0.0005): "0.001 min",
    ("minutes", 59.96): "1 h",
    ("minutes", 65.0): "1 h 5 min",
    ("minutes", 1560.0): "26 h",
    ("minutes", 89_200.0): "61 d 22 h",
    ("minutes", -5.0): "-5 min",
    ("integer", 1_864_458): "1,864,458",
    ("number", 4.848): "4.85",
    ("time", datetime(2026, 3, 2, 10, 30, tzinfo=UTC)): "2026-03-02 10:30",
    ("time", datetime.fromisoformat("2026-03-02T01:30+02:00")): "2026-03-01 23:30",
}


@needs_chromium
def test_a_value_is_shown_as_it_is_and_a_small_share_is_not_0(page: Page, tmp_path: Path) -> None:
    card = card_of("worst_rules")
    for form in dict.fromkeys(name for name, _ in SHOWN):
        column = CardColumn(column="failed_record_percent", title="Rate", format=form)
        changed = card.model_copy(update={"columns": (column,), "filter_by": {}})
        dashboard = DASHBOARDS[2].model_copy(update={"cards": (changed,)})
        values = {value: text for (name, value), text in SHOWN.items() if name == form}
        show(page, tmp_path, dashboard, {card.card: [{"failed_record_percent": value} for value in values]})
        assert [each["failed_record_percent"] for each in page.rows(card.card)] == list(values.values())


@needs_chromium
def test_a_table_sorts_by_value_with_the_unknown_last(page: Page, tmp_path: Path) -> None:
    dashboard, card = DASHBOARDS[2], card_of("worst_rules")
    rates = [9.0, None, 100.0, 0.001]
    show(page, tmp_path, dashboard, {card.card: [row(card) | {"failed_record_percent": rate} for rate in rates]})
    click = "document.querySelector('#worst_rules th[data-column=failed_record_percent] button').click()"
    shown = []
    for _ in range(2):
        page.value(click)
        shown.append([each["failed_record_percent"] for each in page.rows(card.card)])
    assert shown[0] == ["100 %", "9 %", "under 0.01 %", "–"]  # noqa: RUF001
    assert shown[1] == ["under 0.01 %", "9 %", "100 %", "–"]  # noqa: RUF001
    assert page.value("document.querySelector('#worst_rules th[aria-sort=ascending] button').textContent") == "Rate"
    assert page.value("document.activeElement.textContent") == "Rate"


@needs_chromium
def test_a_day_without_a_check_is_a_gap_in_the_line(page: Page, tmp_path: Path) -> None:
    dashboard, card = DASHBOARDS[2], card_of("failed_rate_by_day")
    days = [AS_OF.date() - timedelta(days=number) for number in (6, 5, 2, 1)]
    show(page, tmp_path, dashboard, {card.card: [row(card, "a") | {"batch_day": day} for day in days]})
    path = page.value("document.querySelector('#failed_rate_by_day path').getAttribute('d')")
    assert len(re.findall("M", path)) == 2
    assert len(page.rows(card.card)) == 4


@needs_chromium
def test_a_filter_in_the_address_is_chosen_and_one_that_does_not_apply_is_named(page: Page, tmp_path: Path) -> None:
    dashboard, card = DASHBOARDS[0], card_of("open_incidents")
    rows = [row(card, "a") | {"severity_filter": level, "severity_level": level} for level in ("P1", "P2")]
    show(
        page, tmp_path, dashboard, {card.card: rows, "message_deliveries": [row(card_of("message_deliveries"), "mail")]}
    )
    page.open(tmp_path / "system-health.html", "#severity=P2")
    assert [each["severity_level"] for each in page.rows("open_incidents")] == ["P2"]
    assert page.text("#message_deliveries .note") == "Not filtered by severity."
    page.open(tmp_path / "system-health.html", "#severity=P9")
    assert len(page.rows("open_incidents")) == 2


@needs_chromium
def test_the_page_of_an_incident_runs_nothing_and_shows_everything(page: Page, tmp_path: Path) -> None:
    event = Event(
        incident_id="INC-20260302T080000Z-00000000",
        event_type=EventType.DETECTED,
        occurred_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
        actor="<b>ann</b>",
        source="cli",
        source_key="x",
        severity_level="P1",
        payload={"title": HOSTILE, "components": [HOSTILE], "evidence": {"query": "select '<script>'"}},
    )
    made = incident_page(opened(event), [RecordedEvent(event_id="e", recorded_at=AS_OF, event=event)], AS_OF)
    for name, html in {
        made.file: incident_page_html(made, DASHBOARDS, AS_OF),
        "index.html": index_page(DASHBOARDS, {}, [made], AS_OF),
    }.items():
        (tmp_path / name).write_text(html, encoding="utf-8")
        page.open(tmp_path / name)
        assert page.problems == []
        assert page.requests == [(tmp_path / name).as_uri()]
        assert page.value("document.querySelectorAll('img, main script, main b').length") == 0
        assert HOSTILE[:60] in page.text("main")
    assert "Open for60 minutes" in re.sub(r"\s*\n\s*", "", made and incident_text(page, tmp_path / made.file))


def incident_text(page: Page, file: Path) -> str:
    page.open(file)
    return page.text("main")


@needs_chromium
def test_a_script_that_is_not_the_pages_own_does_not_run_and_is_noticed(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    html = index_page(DASHBOARDS, {}, [], AS_OF)
    file.write_text(html.replace("</main>", "<script>document.title = 'x'</script><img src=y.png></main>"))
    page.open(file)
    assert len(page.problems) == 2
    assert page.text("title") != "x"


def test_data_in_a_page_ends_no_script_element() -> None:
    text = script_json({"a": HOSTILE})
    assert not set(text) & {"<", ">", "&", "\u2028"}


def test_a_text_that_repeats_is_carried_once() -> None:
    assert packed(["a", "b", "a", "a", "b", "a", None]) == {"values": ["a", "b", None], "places": [0, 1, 0, 0, 1, 0, 2]}
    assert packed(["a"] * 9) == {"values": ["a"], "places": [0] * 9}
    assert packed([1, 1, 1]) == [1, 1, 1]
    assert packed([float("nan"), float("inf")]) == [None, None]
