"""The cards' queries as Metabase sends them give what the pages show, whatever the filters choose."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dashboards.card_queries import CardResult, ask_cards
from incident_ledger.dashboards.definition import Card, load_dashboards
from incident_ledger.metabase.content import CardContent, Content
from incident_ledger.metabase.definitions import load_content
from marts.conftest import AS_OF, Cases

CARDS = {card.card: card for dashboard in load_dashboards(PROJECT_DIR) for card in dashboard.cards}
ALL = {"period": "all", "severity": "all", "component": "all", "source": "all"}
Rows = list[dict[str, Any]]
ROWS = """
select
    *,
    1 as failed_rules,
    2 as rules,
    '=x' as component_filter
from unnest([
    struct(date '2026-03-01' as batch_day, 'a' as table_name, 1.5 as failed_percent),
    struct(date '2026-03-01' as batch_day, 'b' as table_name, 30.0 as failed_percent),
    struct(date '2026-03-02' as batch_day, 'a' as table_name, 2.5 as failed_percent)
])"""


@pytest.fixture(scope="module")
def content(cases: Cases) -> Content:
    """What Metabase is to have of these datasets."""
    return load_content(cases.ledger.warehouse.settings, cases.ledger.dbt)


@pytest.fixture(scope="module")
def results(cases: Cases) -> Mapping[str, CardResult]:
    """The rows of every card, as pages have them."""
    return ask_cards(cases.ledger.warehouse, cases.ledger.dbt, load_dashboards(PROJECT_DIR), AS_OF)


def ask(cases: Cases, card: CardContent, **values: str) -> Rows:
    """What Metabase gets: tags replaced by quoted texts, optional clauses kept where their tag has a value."""

    def clause(found: re.Match[str]) -> str:
        (tag,) = set(re.findall(r"{{(\w+)}}", found[1]))
        return found[1] if tag in values else ""

    sql = re.sub(r"\[\[(.*?)\]\]", clause, card.sql)
    sql = re.sub(r"{{(\w+)}}", lambda found: "'" + values[found[1]].replace("'", "\\'") + "'", sql)
    sql = sql.replace("current_timestamp()", "@as_of")
    return [dict(row) for row in cases.ledger.warehouse.rows(sql, {"as_of": AS_OF})]


def shown(card: Card, result: CardResult, choices: Mapping[str, str]) -> Rows:
    """The rows that a page shows, by its own rule."""

    def is_chosen(row: Mapping[str, Any], name: str, how: str) -> bool:
        value, wanted = row[f"{name}_filter"], choices[name]
        if name == "component" and wanted not in {"all", "none", "other"}:
            wanted = f"={wanted}"
        if how == "rows" and wanted == "all":
            return True
        if how == "rows" and name == "period":
            return bool(value != "all" and int(value) <= int(wanted))
        return bool(value == wanted)

    names = [each.column for each in card.columns]
    rows = [row for row in result.rows if all(is_chosen(row, name, how) for name, how in card.filter_by.items())]
    return [{name: row[name] for name in names} for row in rows]


def in_order(rows: Rows) -> list[str]:
    return sorted(map(str, rows))


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"severity": "P1", "component": "api"},
        {"component": "none", "severity": "P0", "period": "7"},
    ],
    ids=str,
)
def test_a_card_gives_in_metabase_what_its_page_shows(
    choices: dict[str, str], cases: Cases, content: Content, results: Mapping[str, CardResult]
) -> None:
    compared = 0
    for each in content.cards:
        dashboard, _, name = each.key.partition("/")
        if dashboard in {"questions", "choices"} or CARDS[name].chart == "sentence":
            continue
        wanted = shown(CARDS[name], results[name], ALL | choices)
        given = [row for row in ask(cases, each, **(ALL | choices)) if row.get("table_name") != "20 line"]
        assert in_order(given) == in_order(wanted), name
        compared += len(wanted)
    assert compared


def test_the_second_band_is_a_series_of_its_own(cases: Cases, content: Content) -> None:
    (card,) = (each for each in content.cards if each.key.endswith("/failed_rate_by_day"))
    with_rows = replace(card, sql=re.sub(r"(?<=from \()\n--.*?(?=\n\)\nwhere)", ROWS, card.sql, flags=re.DOTALL))
    rows = ask(cases, with_rows, component="all")
    assert [(str(row["batch_day"]), row["table_name"], row["failed_percent"]) for row in rows] == [
        ("2026-03-01", "20 line", 20.0),
        ("2026-03-01", "a", 1.5),
        ("2026-03-01", "b", 30.0),
        ("2026-03-02", "20 line", 20.0),
        ("2026-03-02", "a", 2.5),
    ]


def test_the_glance_is_one_sentence(cases: Cases, content: Content, results: Mapping[str, CardResult]) -> None:
    (card,) = (each for each in content.cards if each.key.endswith("/health_glance"))
    (row,), (known,) = ask(cases, card), results["health_glance"].rows
    assert row["sentence"].startswith(f"{known['open_incidents']} open, worst {known['worst_severity']}, since ")
    assert row["sentence"].endswith(f". Clocks overdue: {known['overdue_clocks']}")


def test_a_bar_opens_as_many_incidents_as_it_counts(
    cases: Cases, content: Content, results: Mapping[str, CardResult]
) -> None:
    (behind,) = (each for each in content.cards if each.key == "questions/incidents_behind")
    compared = 0
    for name, card in CARDS.items():
        if not card.click or "incidents" not in card.y:
            continue
        for choices in (ALL, ALL | {"severity": "P1"}):
            for bar in shown(card, results[name], choices):
                clicked = {column: str(bar[column]) for column in card.click}
                filters = {key: value for key, value in choices.items() if key in card.filter_by} | {
                    key: "all" for key in ALL if key not in card.filter_by
                }
                assert len(ask(cases, behind, **filters, **clicked)) == bar["incidents"], (name, bar)
                compared += 1
    assert compared > 10


def test_the_choices_of_a_filter_are_those_of_the_page(
    cases: Cases, content: Content, results: Mapping[str, CardResult]
) -> None:
    lists = {each.key: [row["choice"] for row in ask(cases, each)] for each in content.cards if "choices/" in each.key}
    assert len(lists) == 5
    for dashboard in content.dashboards:
        for tag in dashboard.filters:
            values = lists[str(tag.choices)]
            assert values[0] == "all"
            assert len(values) == len(set(values))
            rows = [
                row
                for card in dashboard.cards
                if tag.name in card.filters
                for row in results[card.key.partition("/")[2]].rows
            ]
            found = {row[f"{tag.name}_filter"] for row in rows} - {None}
            if tag.name == "component":
                found = {value.removeprefix("=") for value in found}
            assert found <= set(values), (dashboard.key, tag.name)


def test_a_timeline_holds_what_happened_in_its_order(cases: Cases, content: Content) -> None:
    (timeline,) = (each for each in content.cards if each.key == "questions/incident_timeline")
    ident = cases.first_one("operational_metrics", title="N2 open")["incident_id"]
    rows = ask(cases, timeline, incident_id=ident)
    assert {row["incident_id"] for row in rows} == {ident}
    assert [row["occurred_at"] for row in rows] == sorted(row["occurred_at"] for row in rows)
    (detected,) = (row for row in rows if row["entry"] == "Detected")
    assert (detected["detection_minutes"], detected["detail"]) == (0.0, "N2 open")
    assert not [row for row in rows if row["entry"] == "Resolved"]
