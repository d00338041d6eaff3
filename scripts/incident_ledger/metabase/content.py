"""What Metabase is to have: one collection, its cards and its dashboards, by keys and without Metabase's ids. Pure."""

import base64
import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from incident_ledger.dashboards.definition import Card, CardColumn, Dashboard, Filter, Place
from incident_ledger.metabase.card_sql import ALL, card_sql, choices_sql, question_sql
from incident_ledger.metabase.questions import BEHIND, INCIDENT, TIMELINE, Ask, Questions

Ids = Callable[[str], Any]  # the id of a card by its key: a number of Metabase's, or an id of its serialization
Settings = dict[str, Any]

_DISPLAY = {
    "sentence": "scalar",
    "numbers": "table",
    "table": "table",
    "columns": "bar",
    "bars": "row",
    "lines": "line",
}
_TIME = {"date_style": "YYYY/M/D", "date_separator": "-"}
# No number of decimals for a share or a time: a fixed one would show 1 of 1,864,458 as 0.
_FORMATS: Mapping[str, Settings] = {
    "integer": {"number_style": "decimal"},
    "percent": {"suffix": " %"},
    "minutes": {"suffix": " min"},
    "time": {**_TIME, "time_enabled": "minutes", "time_style": "HH:mm"},
    "date": _TIME,
    "month": {"date_style": "MMMM, YYYY"},
}


@dataclass(frozen=True)
class Tag:
    """A value that a card's query takes: of a filter (which offers the rows of the card `choices`), or of a click."""

    name: str
    title: str
    default: str | None = None
    is_required: bool = False
    choices: str | None = None

    def id(self, of: str) -> str:
        """Its id within the card `of`, always the same."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"incident-ledger:{of}:{self.name}"))


@dataclass(frozen=True)
class CardContent:
    """A card (Metabase's question). `key` says what it is made from, and never changes."""

    key: str
    title: str
    description: str
    display: str
    sql: str = field(repr=False)
    tags: tuple[Tag, ...] = ()
    settings: Settings = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PlacedCard:
    """A card on a dashboard, the filters that it obeys, and what a click on it opens."""

    key: str
    place: Place
    filters: tuple[str, ...]
    columns: tuple[CardColumn, ...]
    click: tuple[str, ...] = ()

    def settings(self, ids: Ids, filters: Mapping[str, str]) -> Settings:
        """Its click behavior: an incident opens its timeline, a bar the incidents behind it under the same filters.

        `filters` are the ids of the dashboard's parameters by name.
        """
        titles = {each.column: each.title for each in self.columns}
        links = {
            f'["name","{each.column}"]': {
                "click_behavior": _link(ids(question_key(TIMELINE)), [_passed(each.column, each.title, INCIDENT)])
            }
            for each in self.columns
            if each.format == "incident"
        }
        made: Settings = {"column_settings": links} if links else {}
        if self.click:
            passed = [_passed(name, titles[name], name) for name in self.click]
            passed += [_passed(filters[name], name.title(), name, "parameter") for name in self.filters]
            made["click_behavior"] = _link(ids(question_key(BEHIND)), passed)
        return made


@dataclass(frozen=True)
class DashboardContent:
    """A dashboard: its filters and its cards."""

    key: str
    title: str
    description: str
    filters: tuple[Tag, ...]
    cards: tuple[PlacedCard, ...]

    def parameter_id(self, name: str) -> str:
        """The id of a filter, always the same."""
        return hashlib.sha256(f"{self.key}:{name}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Content:
    """All of it. `origin` are the project and the dataset that the queries read."""

    origin: str
    cards: tuple[CardContent, ...]
    dashboards: tuple[DashboardContent, ...]
    warnings: tuple[str, ...] = ()

    def entity_id(self, kind: str, key: str) -> str:
        """The id that Metabase's serialization knows a thing by: 21 characters, always the same."""
        digest = hashlib.sha256(f"{self.origin}:{kind}:{key}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode()[:21]


def question_key(name: str) -> str:
    """The key of a question that a click opens."""
    return f"questions/{name}"


def choices_key(offered: str) -> str:
    """The key of the card whose rows a filter offers."""
    return f"choices/{offered}"


def content_of(
    dashboards: Sequence[Dashboard],
    questions: Questions,
    compiled: Mapping[str, str],
    origin: str,
    explained: Mapping[str, str],
) -> Content:
    """Everything, from the definitions and what dbt compiled, by name. What others refer to stands first.

    `explained` has of each card where its definition is, which ends its description.
    """
    choices = questions.choices
    offered = {each.name: {name: choices.list_of(each.name, name) for name in each.filters} for each in dashboards}
    lists = list(dict.fromkeys(name for each in offered.values() for name in each.values()))
    cards = [*_choices(questions, lists, compiled), *_questions(questions, compiled)]
    for each in dashboards:
        cards += [
            _card(each, card, compiled[card.card], offered[each.name], explained[card.card]) for card in each.cards
        ]
    return Content(origin, tuple(cards), tuple(_dashboard(each, offered[each.name]) for each in dashboards))


def _choices(questions: Questions, lists: Sequence[str], compiled: Mapping[str, str]) -> Iterator[CardContent]:
    choices = questions.choices
    for name in lists:
        sql = choices_sql(choices, name, compiled[choices.question])
        yield CardContent(choices_key(name), f"Choices: {name.replace('_', ' ')}", choices.description, "table", sql)


def _questions(questions: Questions, compiled: Mapping[str, str]) -> Iterator[CardContent]:
    for each in questions.questions:
        yield CardContent(
            question_key(each.question),
            each.title,
            each.description,
            "table",
            question_sql(each, compiled[each.question]),
            (*(_filter_tag(name, name) for name in each.filter_by), *(_asked_tag(ask) for ask in each.asks)),
            {"column_settings": _column_settings(each.columns)},
        )


def _card(
    dashboard: Dashboard, card: Card, compiled: str, offered: Mapping[Filter, str], explained: str
) -> CardContent:
    return CardContent(
        f"{dashboard.name}/{card.card}",
        card.title,
        f"{card.description} Where it is empty: {card.empty} {explained}",
        _DISPLAY[card.chart],
        card_sql(card, compiled),
        tuple(_filter_tag(name, offered[name]) for name in card.filter_by),
        _card_settings(card),
    )


def _dashboard(dashboard: Dashboard, offered: Mapping[Filter, str]) -> DashboardContent:
    placed = [
        PlacedCard(f"{dashboard.name}/{card.card}", card.place, tuple(card.filter_by), _seen(card), card.click)
        for card in dashboard.cards
    ]
    text = f"{dashboard.description} Owner: {dashboard.owner.name}, {dashboard.owner.email}."
    filters = tuple(_filter_tag(name, offered[name]) for name in dashboard.filters)
    return DashboardContent(dashboard.name, dashboard.title, text, filters, tuple(placed))


def _seen(card: Card) -> tuple[CardColumn, ...]:
    return () if card.chart == "sentence" else card.columns


def _filter_tag(name: str, offered: str) -> Tag:
    return Tag(name, name.title(), ALL, is_required=True, choices=choices_key(offered))


def _asked_tag(ask: Ask) -> Tag:
    return Tag(ask.name, ask.title, is_required=ask.is_required)


def _column_settings(columns: Sequence[CardColumn]) -> Settings:
    return {
        f'["name","{each.column}"]': {"column_title": each.title, **_FORMATS.get(each.format, {})} for each in columns
    }


def _card_settings(card: Card) -> Settings:
    if card.chart == "sentence":
        return {"scalar.field": "sentence"}
    settings: Settings = {"column_settings": _column_settings(card.columns)}
    if card.x is None:
        return settings
    columns = {each.column: each for each in card.columns}
    settings["graph.dimensions"] = [card.x, *([card.series] if card.series else [])]
    settings["graph.metrics"] = list(card.y)
    settings["graph.x_axis.title_text"] = columns[card.x].title
    if len(card.y) == 1:
        settings["graph.y_axis.title_text"] = columns[card.y[0]].title
    if card.chart != "bars":
        is_calendar = columns[card.x].format in {"date", "month"}
        settings["graph.x_axis.scale"] = "timeseries" if is_calendar else "ordinal"
    if card.chart == "columns" and card.series:
        settings["stackable.stack_type"] = "stacked"
    if card.marks:  # Metabase draws one
        settings |= {
            "graph.show_goal": True,
            "graph.goal_value": card.marks[0],
            "graph.goal_label": f"{card.marks[0]:g}",
        }
    return settings


def _link(target: Any, passed: Sequence[Settings]) -> Settings:
    return {
        "type": "link",
        "linkType": "question",
        "targetId": target,
        "parameterMapping": {each["id"]: each for each in passed},
    }


def _passed(source: str, title: str, tag: str, kind: str = "column") -> Settings:
    return {
        "id": tag,
        "source": {"type": kind, "id": source, "name": title},
        "target": {"type": "variable", "id": tag},
    }
