"""HTML of the pages: one file each, with its style, script and data inside, and a policy that lets nothing else in."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from incident_ledger.asking.question_files import Question
from incident_ledger.dashboards.card_queries import CardResult
from incident_ledger.dashboards.decision_log import Decision, inline_html
from incident_ledger.dashboards.definition import Dashboard
from incident_ledger.dashboards.dictionary import PAGE as DICTIONARY
from incident_ledger.dashboards.dictionary import Entry, Source, anchor_of
from incident_ledger.dashboards.incident_pages import IncidentPage, file_of
from incident_ledger.dashboards.page_data import card_data, script_json
from incident_ledger.encoding import clean, iso_time, shortened

INDEX = "index.html"
QUESTIONS = "questions.html"
GLANCE = "health_glance"
_UNKNOWN = "\N{EN DASH}"
_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("formats.js", "charts.js", "page.js")


def dashboard_page(
    dashboard: Dashboard,
    dashboards: Sequence[Dashboard],
    results: Mapping[str, CardResult],
    incident_ids: Sequence[str],
    as_of: datetime,
) -> str:
    """One dashboard."""
    cards = sorted(dashboard.cards, key=lambda card: (card.place.row, card.place.col))
    data = {
        "filters": list(dashboard.filters),
        "incidents": {ident: file_of(ident) for ident in incident_ids},
        "cards": [card_data(results[card.card], dashboard.filters) for card in cards],
    }
    spans = "\n".join(f"#{card.card}{{grid-column:{card.place.col + 1}/span {card.place.size_x}}}" for card in cards)
    grid = f"@media (min-width:60rem){{{spans}}}"
    return _page(
        "dashboard.html.j2",
        dashboards,
        as_of,
        style=grid,
        data=data,
        dashboard=dashboard,
        cards=[(card, results[card.card].fresh_at) for card in cards],
    )


def index_page(
    dashboards: Sequence[Dashboard],
    results: Mapping[str, CardResult],
    incidents: Sequence[IncidentPage],
    as_of: datetime,
) -> str:
    """The page that leads to all others, and says in one sentence how things are."""
    data = {"filters": [], "incidents": {}, "cards": [card_data(results[GLANCE], ())] if GLANCE in results else []}
    newest = sorted(incidents, key=lambda page: page.incident.detection_time, reverse=True)
    fresh_at = results[GLANCE].fresh_at if GLANCE in results else None
    return _page("index.html.j2", dashboards, as_of, data=data, glance=GLANCE, fresh_at=fresh_at, incidents=newest)


def dictionary_page(
    entries: Sequence[Entry], decisions: Sequence[Decision], dashboards: Sequence[Dashboard], as_of: datetime
) -> str:
    """What each card, table and metric means, and the sections of the decision log that they name; it has no script."""
    parts = [
        (name, title, [entry for entry in entries if entry.kind == kind])
        for kind, name, title in (
            ("card", "cards", "Cards of the dashboards"),
            ("metric", "metrics", "Metrics"),
            ("table", "tables", "Tables"),
        )
    ]
    return _page("dictionary.html.j2", dashboards, as_of, parts=parts, decisions=decisions)


def questions_page_html(
    questions: Sequence[tuple[Question, str, Sequence[Source]]], dashboards: Sequence[Dashboard], as_of: datetime
) -> str:
    """The questions in words, each with its query and the tables that it reads; it has no script."""
    return _page("questions.html.j2", dashboards, as_of, questions=questions)


def incident_page_html(page: IncidentPage, dashboards: Sequence[Dashboard], as_of: datetime) -> str:
    """The page of one incident; it has no script."""
    return _page("incident.html.j2", dashboards, as_of, page=page)


def _page(
    template: str,
    dashboards: Sequence[Dashboard],
    as_of: datetime,
    *,
    style: str = "",
    data: Mapping[str, Any] | None = None,
    **values: Any,
) -> str:
    style = _file("page.css") + style
    script = "".join(map(_file, _SCRIPTS)) if data is not None else ""
    return (
        _environment()
        .get_template(template)
        .render(
            dashboards=dashboards,
            as_of=as_of,
            style=style,
            script=script,
            data=script_json(data) if data is not None else "",
            policy=content_policy(style, script),
            **values,
        )
    )


def content_policy(style: str, script: str) -> str:
    """Nothing is fetched from anywhere; of styles and scripts only these two, by their hashes."""
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return f"default-src 'none'; {scripts}style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _file(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["utc"] = _utc
    found.filters["iso"] = iso_time
    found.filters["line"] = _line
    found.filters["inline"] = inline_html
    found.globals["dictionary"] = DICTIONARY
    found.globals["questions_page"] = QUESTIONS
    found.globals["definition_of"] = lambda card: f"{DICTIONARY}#{anchor_of('card', card)}"
    return found


def _utc(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else _UNKNOWN


def _line(text: str | None, limit: int = 300) -> str:
    return shortened(clean(text or _UNKNOWN), limit)
