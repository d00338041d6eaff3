"""What Metabase has: the database, the collection that was published, and what is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.metabase.api import ForbiddenError, MetabaseApi, MetabaseError, too_old
from incident_ledger.metabase.marks import Mark, fingerprint, unmarked_text
from incident_ledger.metabase.projection import Json, card_projection, dashboard_projection
from incident_ledger.variables import PREFIX

ENGINE = "bigquery-cloud-sdk"
_PAGE = 200  # items of a collection in one answer
_MOST = 10_000


@dataclass(frozen=True)
class Remote:
    """A card or a dashboard of Metabase: its id, its mark, what it is to people, and all of it."""

    id: int
    title: str
    mark: Mark | None
    projection: Json = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)

    @property
    def is_edited(self) -> bool:
        """Whether it is another than was published."""
        return self.mark is None or self.mark.fingerprint != fingerprint(self.projection)


@dataclass(frozen=True)
class Collection:
    """A collection and what is in it."""

    id: int
    name: str
    cards: Sequence[Remote] = ()
    dashboards: Sequence[Remote] = ()


def databases(api: MetabaseApi) -> list[Mapping[str, Any]]:
    """What Metabase reads from. Raises as `MetabaseApi.get` does."""
    return _listed(api.get("/database"), "GET /database")


def find_database(api: MetabaseApi, name: str) -> Mapping[str, Any]:
    """The database of that name, or without a name the only one of BigQuery. Raises `UserError`."""
    there = databases(api)
    found = [each for each in there if (each["name"] == name if name else each.get("engine") == ENGINE)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(str(each["name"]) for each in there)) or "none that this key may see"
    what = f"no database called {name}" if name else f"{len(found) or 'no'} databases of BigQuery"
    raise UserError(f"Metabase has {what}. Set {PREFIX}METABASE_DATABASE to one of: {names}.")


def tables_of(api: MetabaseApi, database: int) -> list[Mapping[str, Any]]:
    """The tables of a database that Metabase has synced."""
    return [each for each in _listed(api.get("/table"), "GET /table") if each.get("db_id") == database]


def find_collection(api: MetabaseApi, name: str, origin: str) -> Collection | None:
    """The collection that was published from this origin, with what is in it; None before the first time.

    Raises `UserError` where a collection has the name that this did not make, or the key may not read it.
    """
    listed = _listed(api.get("/collection"), "GET /collection")
    there = [each for each in listed if isinstance(each["id"], int) and not each.get("personal_owner_id")]
    there = [each for each in there if not each.get("archived")]
    marked = [each for each in there if (mark := _mark(each)) and mark.key == origin]
    named = [each for each in there if each["name"] == name]
    if not marked:
        if named:
            raise UserError(
                f"Metabase has a collection {name} (id {named[0]['id']}) that was not published from {origin}. "
                f"It is left alone: name another by {PREFIX}METABASE_COLLECTION."
            )
        return None
    first = min(marked, key=lambda each: (each["name"] != name, each["id"]))
    try:
        return read_collection(api, first["id"], first["name"])
    except ForbiddenError as error:
        raise ForbiddenError(
            f"{error} It is part of the collection {first['name']} (id {first['id']}): the group of the key needs the "
            "right to curate it, and to write queries on the database."
        ) from None


def read_collection(api: MetabaseApi, ident: int, name: str) -> Collection:
    """A collection's cards and dashboards, one request each."""
    items: list[Mapping[str, Any]] = []
    while True:
        params = {"models": ["card", "dashboard"], "limit": _PAGE, "offset": len(items)}
        page = api.get(f"/collection/{ident}/items", params)
        got = _listed(page, "GET /collection/ID/items")
        items += got
        total = page.get("total", 0) if isinstance(page, dict) else 0
        if not got or len(items) >= min(total, _MOST):
            break
    ids = {kind: sorted({each["id"] for each in items if each["model"] == kind}) for kind in ("card", "dashboard")}
    cards = [read_card(api.get(f"/card/{card}")) for card in ids["card"]]
    return Collection(ident, name, cards, [read_dashboard(api, each) for each in ids["dashboard"]])


def read_card(document: Mapping[str, Any]) -> Remote:
    """A card as Metabase answers it."""
    projection, mark = card_projection(document)
    return Remote(document["id"], str(document["name"]), mark, projection, document)


def read_dashboard(api: MetabaseApi, ident: int) -> Remote:
    """A dashboard with its cards. Raises `UserError` for a Metabase that has no `dashcards` yet."""
    document = api.get(f"/dashboard/{ident}")
    if not isinstance(document, dict) or "dashcards" not in document:
        raise too_old("its dashboards have no dashcards")
    projection, mark = dashboard_projection(document)
    return Remote(document["id"], str(document["name"]), mark, projection, document)


def _mark(collection: Mapping[str, Any]) -> Mark | None:
    return unmarked_text(collection.get("description"), "collection")[1]


def _listed(answer: Any, what: str) -> list[Mapping[str, Any]]:
    found = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(found, list) or not all(isinstance(each, dict) and "id" in each for each in found):
        raise MetabaseError(f"Metabase's answer to {what} is no list of things with ids.")
    return found
