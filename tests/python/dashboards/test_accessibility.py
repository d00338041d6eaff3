"""No serious finding of axe-core on any page, full or empty, light and dark."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.axe import needs_axe, serious_findings
from dashboards.browser import Page
from dashboards.test_pages import AS_OF, DASHBOARDS, NAMES, row, show
from incident_ledger.dashboards.definition import Dashboard
from incident_ledger.dashboards.incident_pages import incident_page
from incident_ledger.dashboards.page_html import incident_page_html, index_page
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import opened
from incident_ledger.ledger.state import RecordedEvent


@pytest.fixture(params=["light", "dark"])
def page(page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The browser of somebody who prefers that."""
    page.prefer(request.param)
    yield page
    page.prefer("light")


@needs_axe
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_axe_finds_nothing_serious_on_a_dashboard(dashboard: Dashboard, page: Page, tmp_path: Path) -> None:
    show(page, tmp_path, dashboard, {card.card: [row(card, "api")] for card in dashboard.cards})
    assert serious_findings(page) == []
    show(page, tmp_path, dashboard, {})
    assert serious_findings(page) == []


@needs_axe
def test_axe_finds_nothing_serious_on_the_index_and_an_incident(page: Page, tmp_path: Path) -> None:
    event = Event(
        incident_id="INC-20260302T080000Z-00000000",
        event_type=EventType.DETECTED,
        occurred_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
        actor="ann",
        source="cli",
        source_key="x",
        severity_level="P1",
        payload={"title": "No usage", "components": ["api"], "evidence": {"query": "select 1"}},
    )
    made = incident_page(opened(event), [RecordedEvent(event_id="e", recorded_at=AS_OF, event=event)], AS_OF)
    files = {
        "i.html": index_page(DASHBOARDS, {}, [made], AS_OF),
        made.file: incident_page_html(made, DASHBOARDS, AS_OF),
    }
    for name, html in files.items():
        (tmp_path / name).write_text(html, encoding="utf-8")
        page.open(tmp_path / name)
        assert serious_findings(page) == [], name


@needs_axe
def test_axe_finds_an_image_without_a_text(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<!DOCTYPE html><html lang=en><title>A</title><main><img src='data:,'></main>", encoding="utf-8")
    page.open(file)
    assert [each.partition(":")[0] for each in serious_findings(page)] == ["image-alt"]
