"""Parts of Metabase's objects that its REST API and its serialization write in the same way. Pure."""

from typing import Any

from incident_ledger.metabase.content import CardContent, DashboardContent, Ids, PlacedCard, Tag

Json = dict[str, Any]


def template_tags(card: CardContent) -> dict[str, Json]:
    """The tags of a card's query by name."""
    return {tag.name: _template_tag(card, tag) for tag in card.tags}


def _template_tag(card: CardContent, tag: Tag) -> Json:
    made: Json = {"type": "text", "name": tag.name, "id": tag.id(card.key), "display-name": tag.title}
    if tag.is_required:
        made["required"] = True
    if tag.default is not None:
        made["default"] = tag.default
    return made


def card_parameters(card: CardContent, ids: Ids) -> list[Json]:
    """The tags as the controls above a card that is opened by itself."""
    return [
        {
            **_parameter(tag.id(card.key), tag, ids),
            "target": ["variable", ["template-tag", tag.name]],
        }
        for tag in card.tags
    ]


def dashboard_parameters(dashboard: DashboardContent, ids: Ids) -> list[Json]:
    """The filters above a dashboard: one choice each, of those that its card of choices lists."""
    return [_parameter(dashboard.parameter_id(tag.name), tag, ids) for tag in dashboard.filters]


def _parameter(ident: str, tag: Tag, ids: Ids) -> Json:
    made: Json = {"id": ident, "name": tag.title, "slug": tag.name, "type": "string/=", "sectionId": "string"}
    if tag.is_required:
        made["required"] = True
    if tag.default is not None:
        made["default"] = [tag.default]
    if tag.choices is not None:
        made |= {
            "isMultiSelect": False,
            "values_query_type": "list",
            "values_source_type": "card",
            "values_source_config": {
                "card_id": ids(tag.choices),
                "value_field": ["field", "choice", {"base-type": "type/Text"}],
            },
        }
    return made


def placed_card(dashboard: DashboardContent, card: PlacedCard, ids: Ids) -> Json:
    """A card on a dashboard: its cells, the filters that reach it, and what a click opens."""
    filters = {tag.name: dashboard.parameter_id(tag.name) for tag in dashboard.filters}
    return {
        "card_id": ids(card.key),
        **card.place.model_dump(),
        "series": [],
        "parameter_mappings": [
            {
                "parameter_id": filters[name],
                "card_id": ids(card.key),
                "target": ["variable", ["template-tag", name]],
            }
            for name in card.filters
        ],
        "visualization_settings": card.settings(ids, filters),
    }
