"""The dictionary: every card, mart and metric is in it with all of its parts, and every link in it leads somewhere."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from dashboards.axe import needs_axe, serious_findings
from dashboards.browser import Page, needs_chromium
from dashboards.test_pages import row
from incident_ledger.asking.question_files import read_questions
from incident_ledger.dashboards.card_queries import CardResult
from incident_ledger.dashboards.decision_log import Decision, decisions_of, inline_html, read_decisions
from incident_ledger.dashboards.definition import load_dashboards
from incident_ledger.dashboards.dictionary import Entry, card_definitions, dictionary, sections
from incident_ledger.dashboards.page_html import dashboard_page
from incident_ledger.dashboards.render import text_pages
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.metabase.definitions import load_content
from incident_ledger.settings import Settings

DASHBOARDS = load_dashboards(PROJECT_DIR)
AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADDRESS = "https://pages.example.com/dictionary.html"


class Links(HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if tag == "a" else []


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The project, parsed."""
    folder = tmp_path_factory.mktemp("dbt")
    return Dbt(Settings(project_dir=PROJECT_DIR, api_endpoint="http://127.0.0.1:1", local_dir=folder), None)


@pytest.fixture(scope="module")
def decisions() -> dict[str, Decision]:
    """The decision log's sections."""
    return read_decisions(PROJECT_DIR)


@pytest.fixture(scope="module")
def entries(dbt: Dbt, decisions: dict[str, Decision]) -> list[Entry]:
    """All of the dictionary."""
    return dictionary(DASHBOARDS, dbt.manifest(), decisions)


@pytest.fixture(scope="module")
def files(dbt: Dbt) -> dict[str, str]:
    """The pages by their names."""
    return text_pages(PROJECT_DIR, dbt, DASHBOARDS, AS_OF)


def test_every_card_mart_and_metric_is_there_with_all_of_its_parts(entries: list[Entry], dbt: Dbt) -> None:
    manifest = dbt.manifest()
    cards = {card.card for dashboard in DASHBOARDS for card in dashboard.cards}
    assert {each.name for each in entries if each.kind == "card"} == cards
    assert {each.name for each in entries if each.kind == "metric"} == {each.name for each in manifest.metrics.values()}
    models = {each.name for each in manifest.nodes.values() if each.resource_type == "model" and "marts" in each.fqn}
    assert {each.name for each in entries if each.kind == "table"} >= models
    seeds = {each.name for each in manifest.nodes.values() if each.resource_type == "seed"}
    lacking = [
        (each.anchor, part)
        for each in entries
        for part in ("grain", "owner", "sources", "decisions", "formula")
        if not (getattr(each, part) or (part == "formula" and each.columns)) and each.name not in seeds
    ]
    # What a report reads of a source that is switched off is not there either.
    off = {f"table-{name}" for name in ("rpt_key_rotation", "rpt_pipeline_activity", "rpt_security_activity")}
    assert [each for each in lacking if each != (each[0], "sources") or each[0] not in off] == []
    assert len({each.anchor for each in entries}) == len(entries)


def test_an_entry_has_what_the_files_say(entries: list[Entry]) -> None:
    known = {each.anchor: each for each in entries}
    card = known["card-times_by_severity"]
    assert card.grain.startswith("One row per combination of filters and severity")
    assert [each.name for each in card.sources] == ["operational_metrics"]
    assert "percentile_cont" in card.formula
    assert card.owner == "Engineering Lead, engineering-lead@samba.tv"
    table = known["table-operational_metrics"]
    assert table.grain == "One row per incident that counts."
    assert table.definition.startswith("Retracted and merged ones are left out.")
    assert {"incident_events", "severities"} < {each.name for each in table.sources}
    assert ("mttd_minutes", "float64", "Start to detection; null when the start is unknown.") in table.columns
    assert known["metric-sla_kept_rate"].formula == "sla_clocks_kept / sla_clocks_judged"
    assert known["metric-time_anomalies"].formula == "sum(if(has_time_anomaly, 1, 0))"


def test_every_link_of_the_pages_leads_somewhere(files: dict[str, str]) -> None:
    results = {card.card: CardResult(card) for dashboard in DASHBOARDS for card in dashboard.cards}
    pages = files | {f"{each.name}.html": dashboard_page(each, DASHBOARDS, results, [], AS_OF) for each in DASHBOARDS}
    found = {name: Links(text) for name, text in pages.items()}
    for name, page in found.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            file, _, anchor = link.partition("#")
            if file == "index.html":
                continue
            assert (file or name) in found, (name, link)
            assert not anchor or anchor in found[file or name].ids, (name, link)
    for dashboard in DASHBOARDS:
        links = found[f"{dashboard.name}.html"].links
        assert {f"dictionary.html#card-{card.card}" for card in dashboard.cards} <= set(links)


def test_every_question_is_listed_with_its_query(files: dict[str, str], dbt: Dbt) -> None:
    on = {each.name for each in dbt.manifest().nodes.values() if each.resource_type == "analysis"}
    questions = [each for each in read_questions(PROJECT_DIR) if each.name in on]
    assert len(questions) >= 20
    for each in questions:
        assert each.words.replace("'", "&#39;") in files["questions.html"]
        assert f"incident-ledger ask {each.name}</code>" in files["questions.html"]


def test_a_section_that_the_log_does_not_have_is_named(dbt: Dbt, decisions: dict[str, Decision]) -> None:
    without = {title: each for title, each in decisions.items() if title != "The health score"}
    with pytest.raises(UserError, match=r"card health_score .*names the decision 'The health score'"):
        dictionary(DASHBOARDS, dbt.manifest(), without)
    without = {title: each for title, each in decisions.items() if title != "Money at stake"}
    with pytest.raises(UserError, match="The model fct_incident_impact names the decision 'Money at stake'"):
        dictionary(DASHBOARDS, dbt.manifest(), without)


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"analyses/README\.md cannot be read"):
        read_decisions(tmp_path)


def test_text_of_the_log_is_no_html_and_leads_nowhere() -> None:
    text = "# Log\n\n## A <b>\nOne `a<b>`. See [that](https://evil.test) <script>alert(1)</script>.\n\n> Two.\n"
    (found,) = decisions_of(text).values()
    assert (found.title, found.anchor, found.first) == ("A <b>", "decision-a-b", "One a<b>.")
    assert "<script>" not in found.html
    assert "evil.test" not in found.html
    assert "<code>a&lt;b&gt;</code>" in found.html


def test_a_description_has_its_code_and_no_html_of_its_own() -> None:
    assert inline_html("A `b<c>` of <i> [x](https://evil.test)") == (
        "A <code>b&lt;c&gt;</code> of &lt;i&gt; [x](https://evil.test)"
    )


def test_a_card_of_metabase_says_where_its_definition_is(dbt: Dbt, decisions: dict[str, Decision]) -> None:
    found = card_definitions(DASHBOARDS, dbt.manifest(), decisions)
    assert found["clocks_kept"] == (
        "Data: fct_response_sla, operational_metrics, as of the last run, see System health. "
        "Definition: analyses/README.md: What keeps a clock; When a clock falls due"
    )
    assert found["last_run_steps"].startswith("Data: fct_run_steps, as it is now.")
    assert not sections([], decisions)
    settings = Settings(project_dir=PROJECT_DIR, dashboard_urls={"dictionary": ADDRESS})
    texts = {each.key: each.description for each in load_content(settings, dbt).cards}
    assert texts["incident-review/clocks_kept"].endswith(f"Definition: {ADDRESS}#card-clocks_kept")


def test_a_card_says_as_of_when_its_data_are() -> None:
    dashboard = DASHBOARDS[0]
    results = {card.card: CardResult(card, fresh_at=AS_OF) for card in dashboard.cards}
    text = dashboard_page(dashboard, DASHBOARDS, results, [], AS_OF)
    assert text.count('Data as of <time datetime="2026-03-02T09:00:00Z">2026-03-02 09:00 UTC') == len(dashboard.cards)
    unknown: dict[str, Any] = {card.card: CardResult(card) for card in dashboard.cards}
    assert "Data as of <time" not in dashboard_page(dashboard, DASHBOARDS, unknown, [], AS_OF)


@needs_chromium
@pytest.mark.parametrize("name", ["dictionary", "questions"])
def test_the_page_asks_for_nothing_and_fits_a_narrow_screen(
    name: str, page: Page, files: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(files[file.name], encoding="utf-8")
    page.open(file)
    assert page.problems == []
    assert page.requests == [file.as_uri()]
    page.resize(390)
    assert page.value("document.documentElement.scrollWidth") <= 390
    page.resize(1440)


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["dictionary", "questions"])
def test_axe_finds_nothing_serious_on_the_page(
    name: str, scheme: str, page: Page, files: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(files[file.name], encoding="utf-8")
    page.prefer(scheme)
    page.open(file)
    page.value("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = serious_findings(page)
    page.prefer("light")
    assert found == []


@needs_chromium
def test_a_card_leads_to_its_definition(page: Page, files: dict[str, str], tmp_path: Path) -> None:
    dashboard = DASHBOARDS[1]
    results = {card.card: CardResult(card, [row(card, "api")]) for card in dashboard.cards}
    html = dashboard_page(dashboard, DASHBOARDS, results, [], AS_OF)
    for name, text in (files | {"incident-review.html": html}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    page.open(tmp_path / "incident-review.html")
    (target,) = page.value("[...document.querySelectorAll('#clocks_kept .foot a')].map(each => each.href)")
    file, _, fragment = target.partition("#")
    page.open(tmp_path / Path(file).name, f"#{fragment}")
    assert page.text(":target h3") == "Clocks kept, by severity"
    assert page.value("Math.abs(document.querySelector(':target').getBoundingClientRect().top) < 20")
