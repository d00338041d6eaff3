"""The files of Metabase's serialization (representations 1.2), which its import reads."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from incident_ledger.errors import UserError
from incident_ledger.metabase.content import CardContent, Content, DashboardContent
from incident_ledger.metabase.parts import (
    Json,
    card_parameters,
    dashboard_parameters,
    placed_card,
    template_tags,
)

CREATOR = "internal@metabase.com"  # a user that every Metabase has
_MAIN = Path("collections") / "main"
_COLLECTION, _TAB = "collection", "tab"


def export_files(content: Content, collection: str, database: str) -> dict[Path, str]:
    """Each file with its text, the same for the same definitions. `database` is the name that Metabase knows it by."""
    slug = _slug(collection)
    files = {_MAIN / f"{slug}.yaml": _collection(content, collection)}
    files |= {_MAIN / slug / f"{_slug(card.key)}.yaml": _card(content, card, database) for card in content.cards}
    files |= {_MAIN / slug / f"{_slug(each.key)}.yaml": _dashboard(content, each) for each in content.dashboards}
    return {path: _text(document) for path, document in files.items()}


def write_files(folder: Path, files: Mapping[Path, str]) -> list[Path]:
    """Write them below a folder. What stood there under `collections/main` and is none of them is an error, named.

    Raises `UserError` before anything is written.
    """
    folder = folder.resolve()
    there = {path.relative_to(folder) for path in (folder / _MAIN).rglob("*") if path.is_file()}
    if others := sorted(there - set(files)):
        raise UserError(f"{folder} holds {others[0]}, which is not of this export. Name an empty folder or a new one.")
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"The files cannot be written to {folder} ({error}). Name another folder.") from None
    return [folder / path for path in files]


def _collection(content: Content, name: str) -> Json:
    ident = content.entity_id(_COLLECTION, "")
    return {
        "name": name,
        "entity_id": ident,
        "slug": _slug(name),
        "description": f"Made by incident-ledger from {content.origin}.",
        "parent_id": None,
        "serdes/meta": _meta(ident, name, "Collection"),
    }


def _card(content: Content, card: CardContent, database: str) -> Json:
    ident = content.entity_id("card", card.key)
    stage: Json = {"lib/type": "mbql.stage/native", "native": card.sql}
    if card.tags:
        stage["template-tags"] = list(template_tags(card).values())
    return {
        "name": card.title,
        "entity_id": ident,
        "description": card.description,
        "creator_id": CREATOR,
        "display": card.display,
        "type": "question",
        "collection_id": content.entity_id(_COLLECTION, ""),
        "dataset_query": {"lib/type": "mbql/query", "database": database, "stages": [stage]},
        "visualization_settings": card.settings,
        "parameters": card_parameters(card, lambda key: content.entity_id("card", key)),
        "parameter_mappings": [],
        "serdes/meta": _meta(ident, card.title, "Card"),
    }


def _dashboard(content: Content, dashboard: DashboardContent) -> Json:
    def card_id(key: str) -> str:
        return content.entity_id("card", key)

    ident, tab = content.entity_id("dashboard", dashboard.key), content.entity_id(_TAB, dashboard.key)
    cards = []
    for card in dashboard.cards:
        placed = content.entity_id("placed card", card.key)
        cards.append(
            {
                **placed_card(dashboard, card, card_id),
                "entity_id": placed,
                "dashboard_tab_id": [ident, tab],
                "serdes/meta": [
                    {"id": ident, "model": "Dashboard"},
                    {"id": tab, "model": "DashboardTab"},
                    {"id": placed, "model": "DashboardCard"},
                ],
            }
        )
    return {
        "name": dashboard.title,
        "entity_id": ident,
        "description": dashboard.description,
        "creator_id": CREATOR,
        "collection_id": content.entity_id(_COLLECTION, ""),
        "auto_apply_filters": True,
        "width": "fixed",
        "parameters": dashboard_parameters(dashboard, card_id),
        "tabs": [{"entity_id": tab, "name": dashboard.title, "position": 0}],
        "dashcards": cards,
        "serdes/meta": _meta(ident, dashboard.title, "Dashboard"),
    }


def _meta(ident: str, name: str, model: str) -> list[Json]:
    return [{"id": ident, "label": _slug(name), "model": model}]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "_"


class _Dumper(yaml.SafeDumper):
    """Queries as blocks of lines; nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        """A part that stands in two places is written twice."""
        del data
        return True


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


def _text(document: Json) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
