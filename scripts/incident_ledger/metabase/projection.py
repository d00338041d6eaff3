"""Metabase's objects reduced to what publish sets, in one form for both of its query formats. Pure.

Metabase answers with more than it was sent (ids of its own, defaults, nulls); what is compared is only this.
"""

from collections.abc import Mapping
from typing import Any

from incident_ledger.metabase.marks import Mark, unmarked_sql, unmarked_text

Json = dict[str, Any]
_PARAMETER = (
    *("id", "name", "slug", "type", "default", "required", "target"),
    *("isMultiSelect", "values_source_type", "values_source_config"),
)
_TAG = ("type", "name", "id", "display-name", "default", "required")
_CELLS = ("row", "col", "size_x", "size_y")


def card_projection(card: Mapping[str, Any]) -> tuple[Json, Mark | None]:
    """What a card is to people, and the mark that it carries."""
    query = card.get("dataset_query") or {}
    text, tags = native_query(query)
    sql, mark = unmarked_sql(text)
    return {
        "name": card.get("name"),
        "description": card.get("description") or "",
        "display": card.get("display"),
        "database": query.get("database"),
        "sql": sql,
        "tags": {name: _kept(tag, _TAG) for name, tag in tags.items()},
        "settings": tidy(card.get("visualization_settings")),
        "parameters": _parameters(card),
    }, mark


def native_query(query: Mapping[str, Any]) -> tuple[str, Json]:
    """The SQL and the tags of a query in either format, empty for one that is not SQL."""
    native = query.get("native")
    if isinstance(native, dict):
        return str(native.get("query") or ""), _by_name(native.get("template-tags"))
    stages = query.get("stages")
    stage = stages[0] if isinstance(stages, list) and stages else {}
    if isinstance(stage, dict) and isinstance(stage.get("native"), str):
        return stage["native"], _by_name(stage.get("template-tags"))
    return "", {}


def _by_name(tags: Any) -> Json:
    if isinstance(tags, list):
        return {str(tag.get("name")): tag for tag in tags if isinstance(tag, dict)}
    return dict(tags or {})


def dashboard_projection(dashboard: Mapping[str, Any]) -> tuple[Json, Mark | None]:
    """What a dashboard is to people, and the mark that it carries."""
    text, mark = unmarked_text(dashboard.get("description"), "dashboard")
    cards = [_placed(each) for each in dashboard.get("dashcards") or []]
    return {
        "name": dashboard.get("name"),
        "description": text,
        "parameters": _parameters(dashboard),
        "cards": sorted(cards, key=lambda each: [each[name] or 0 for name in _CELLS]),
        "tabs": [tab.get("name") for tab in dashboard.get("tabs") or []],
    }, mark


def _placed(card: Mapping[str, Any]) -> Json:
    mappings = [
        {"parameter": each.get("parameter_id"), "target": tidy(each.get("target"))}
        for each in card.get("parameter_mappings") or []
    ]
    return {
        "card": card.get("card_id"),
        **{name: card.get(name) for name in _CELLS},
        "mappings": sorted(mappings, key=lambda each: str(each["parameter"])),
        "settings": tidy(card.get("visualization_settings")),
    }


def _parameters(owner: Mapping[str, Any]) -> list[Any]:
    return [_kept(each, _PARAMETER) for each in owner.get("parameters") or []]


def _kept(part: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    kept = {name: part[name] for name in names if name in part}
    if isinstance(kept.get("default"), list) and len(kept["default"]) == 1:
        kept["default"] = kept["default"][0]  # a server may keep one value without its list
    return tidy(kept)


def tidy(value: Any) -> Any:
    """Without nulls, empty parts and the library's own ids; a whole number is one, whichever way it is written."""
    match value:
        case dict():
            parts = {name: tidy(each) for name, each in value.items() if not str(name).startswith("lib/")}
            return {name: each for name, each in parts.items() if each is not None and each not in ({}, [])}
        case list() | tuple():
            return [tidy(each) for each in value]
        case float() if value.is_integer():
            return int(value)
    return value
