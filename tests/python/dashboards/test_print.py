"""A page on paper: white, whole tables within its width, what filters chose in words, and charts with short tables."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboards.browser import Page, needs_chromium
from dashboards.test_pages import AS_OF, DASHBOARDS, NAMES, card_of, row, show
from incident_ledger.dashboards.definition import Dashboard

PAPER = 704  # CSS pixels between the margins of A4
LONG_NAME = "statuspage:a_component.with.a/rather-long_name_" + "x" * 500


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """The browser, of which a test may say what it prefers."""
    yield page
    page.prefer("light")
    page.resize(1440)


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@needs_chromium
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_every_table_is_whole_on_white_paper_without_controls(dashboard: Dashboard, page: Page, tmp_path: Path) -> None:
    page.resize(PAPER)
    page.prefer("dark", "print")
    rows = {card.card: [row(card, LONG_NAME), row(card, "not acknowledged: overdue")] for card in dashboard.cards}
    show(page, tmp_path, dashboard, rows)
    page.value("document.querySelectorAll('details.data').forEach(each => { each.open = true })")
    wide = """[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth + 1)
        .map(each => [each.getAttribute('aria-label'), each.scrollWidth, each.clientWidth])"""
    assert page.value(wide) == []
    shown = (
        """selector => [...document.querySelectorAll(selector)].filter(each => each.getClientRects().length).length"""
    )
    for selector in ("form.filters", ".about", "nav", ".skip", ".foot a"):
        assert page.value(f"({shown})({selector!r})") == 0, selector
    assert page.value("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value("getComputedStyle(document.querySelector('.card')).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value("getComputedStyle(document.querySelector('td')).color") == "rgb(27, 36, 48)"
    assert page.value(f"({shown})('.fresh')") == len(dashboard.cards)


@needs_chromium
def test_what_filters_chose_stands_on_paper(page: Page, tmp_path: Path) -> None:
    dashboard = DASHBOARDS[0]
    rows = {card.card: [row(card, "api") | {"severity_filter": "P1"}] for card in dashboard.cards}
    show(page, tmp_path, dashboard, rows)
    page.prefer("light", "print")
    status = "document.getElementById('status')"
    assert page.value(f"getComputedStyle({status}).display") == "block"
    assert page.value(f"{status}.textContent") == ""
    page.choose(severity="P1")
    assert page.value(f"{status}.textContent") == "Filtered by severity: P1"
    assert page.value(f"{status}.getBoundingClientRect().height") > 10
    page.open(tmp_path / f"{dashboard.name}.html", "#severity=P1")
    assert page.value(f"{status}.textContent") == "Filtered by severity: P1"


@needs_chromium
def test_a_chart_is_printed_with_its_table_unless_that_is_pages_long(page: Page, tmp_path: Path) -> None:
    card = card_of("failed_rate_by_day")
    dashboard = next(each for each in DASHBOARDS if card in each.cards)

    def printed(days: int) -> tuple[int, bool]:
        values: list[dict[str, Any]] = [
            row(card, f"table {number % 6}") | {"batch_day": (AS_OF - timedelta(days=number // 6)).date()}
            for number in range(days * 6)
        ]
        show(page, tmp_path, dashboard, {card.card: values})
        page.value("window.seen = []; void 0")
        details = f"document.querySelector('#{card.card} details.data')"
        page.value(f"window.addEventListener('beforeprint', () => window.seen.push({details}.open))")
        pages = pages_of(page.pdf())
        assert not page.value(f"{details}.open")  # as it was
        return pages, page.value("window.seen")[0]

    assert printed(3) == (2, True)
    pages, is_open = printed(30)
    assert (pages <= 2, is_open) == (True, False)
