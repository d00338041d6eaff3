"""What differs between the definitions and Metabase, and the requests that make it the same.

One way through for `plan` and `publish`: a plan does it with ids that are not there yet and sends nothing that changes
anything. Each thing is found by its mark, so a publish that broke off goes on where it stopped, and nothing without a
mark is touched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from incident_ledger.metabase.api import ATTEMPTS, ForbiddenError, MetabaseApi, MetabaseError, too_old
from incident_ledger.metabase.content import CardContent, Content, DashboardContent
from incident_ledger.metabase.marks import UNFINISHED, Mark, fingerprint, marked_sql, marked_text
from incident_ledger.metabase.parts import Json, card_parameters, dashboard_parameters, placed_card, template_tags
from incident_ledger.metabase.projection import card_projection, dashboard_projection
from incident_ledger.metabase.remote import (
    Collection,
    Remote,
    find_collection,
    find_database,
    read_card,
    read_collection,
    read_dashboard,
)

Action = Literal["create", "update", "leave", "keep"]
T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """What becomes of one thing: made, changed, left as a person has it, or kept because it is as it should be."""

    action: Action
    kind: Literal["collection", "card", "dashboard", "column"]
    name: str
    text: str = ""


@dataclass(frozen=True)
class Published:
    """What was (or would be) done, and the address of each dashboard by its name, as far as it is there."""

    changes: Sequence[Change]
    urls: Mapping[str, str]

    @property
    def writes(self) -> Sequence[Change]:
        """The changes alone."""
        return [each for each in self.changes if each.action in {"create", "update"}]

    @property
    def kept(self) -> int:
        """How many are as they should be."""
        return sum(each.action == "keep" for each in self.changes)

    @property
    def left(self) -> Sequence[Change]:
        """What was left alone though it is not as defined."""
        return [each for each in self.changes if each.action == "leave"]


class Publisher:
    """One comparison of the content with one Metabase. With `is_plan` nothing is changed."""

    def __init__(
        self,
        api: MetabaseApi,
        content: Content,
        *,
        database: str,
        collection: str,
        overwrite: bool = False,
        is_plan: bool = False,
    ) -> None:
        self._api, self._content = api, content
        self._database, self._collection = database, collection
        self._overwrite, self._is_plan = overwrite, is_plan
        self._ids: dict[str, int] = {}
        self._changes: list[Change] = []

    @property
    def begun(self) -> Sequence[Change]:
        """What was begun until now, for who is to hear of a run that broke off."""
        return [each for each in self._changes if each.action in {"create", "update"}]

    def run(self) -> Published:
        """All of it, in order. Raises `UserError` and `OutsideError`; what was done stays, and another run goes on."""
        database = int(find_database(self._api, self._database)["id"])
        there = find_collection(self._api, self._collection, self._content.origin)
        if there is None:
            there = self._make_collection()
        try:
            urls = self._publish_all(there, database)
        except ForbiddenError as error:
            raise ForbiddenError(
                f"{error} The group of the key needs the right to curate the collection {there.name} (id {there.id}), "
                "and to write queries on the database."
            ) from None
        self._name_others(there)
        return Published(self._changes, urls)

    def _publish_all(self, there: Collection, database: int) -> dict[str, str]:
        """Cards, then dashboards; the addresses of these."""
        for card in self._content.cards:
            self._ids[card.key] = self._publish_card(card, there, database)
        urls = {}
        for dashboard in self._content.dashboards:
            ident = self._publish_dashboard(dashboard, there)
            if ident > 0:
                urls[dashboard.key] = f"{self._api.url}/dashboard/{ident}"
        return urls

    def _make_collection(self) -> Collection:
        self._note("create", "collection", self._collection)
        if self._is_plan:
            return Collection(0, self._collection)
        text = "Incidents, from their detection to their review."
        body = {
            "name": self._collection,
            "description": marked_text(text, "collection", Mark(self._content.origin)),
            "parent_id": None,
        }

        def find() -> Collection | None:
            return find_collection(self._api, self._collection, self._content.origin)

        return self._make("/collection", body, lambda answer: Collection(int(answer["id"]), self._collection), find)

    def _publish_card(self, card: CardContent, there: Collection, database: int) -> int:
        body, projection = self._card_body(card, database)
        known = _by_key(there.cards, card.key)
        if known is None:
            self._note("create", "card", card.key, card.title)
            if self._is_plan:
                return -1 - len(self._ids)
            made = self._make_card(card, body, there)
            self._check_query(card, made)
            return made.id
        if self._is_settled("card", card.key, known, projection):
            return known.id
        if not self._is_plan:
            self._check_query(card, read_card(self._api.put(f"/card/{known.id}", body)))
        return known.id

    def _make_card(self, card: CardContent, body: Json, there: Collection) -> Remote:
        def find() -> Remote | None:
            return _by_key(read_collection(self._api, there.id, there.name).cards, card.key)

        return self._make("/card", {**body, "collection_id": there.id, "type": "question"}, read_card, find)

    def _card_body(self, card: CardContent, database: int) -> tuple[Json, Json]:
        """What is sent, with its mark, and what it is to people."""
        native: Json = {"query": card.sql, "template-tags": template_tags(card)}
        body: Json = {
            "name": card.title,
            "description": card.description,
            "display": card.display,
            "dataset_query": {"database": database, "type": "native", "native": native},
            "visualization_settings": card.settings,
            "parameters": card_parameters(card, self._ids.__getitem__),
        }
        projection, _ = card_projection(body)
        native["query"] = marked_sql(card.sql, Mark(card.key, fingerprint(projection)))
        return body, projection

    def _check_query(self, card: CardContent, made: Remote) -> None:
        """Some versions take a query that they cannot read, answer 200 and keep none."""
        if made.projection["sql"] != card.sql:
            raise MetabaseError(f"Metabase did not keep the query of {card.key} (card {made.id}). Is it too old?")

    def _publish_dashboard(self, dashboard: DashboardContent, there: Collection) -> int:
        known = _by_key(there.dashboards, dashboard.key)
        if known is None:
            self._note("create", "dashboard", dashboard.key, f"{dashboard.title}, {len(dashboard.cards)} cards")
            if self._is_plan:
                return 0
            known = self._make_dashboard(dashboard, there)
        else:
            _, projection = self._dashboard_body(dashboard, known)
            if self._is_settled("dashboard", dashboard.key, known, projection):
                return known.id
        if not self._is_plan:
            self._fill(dashboard, known)
        return known.id

    def _make_dashboard(self, dashboard: DashboardContent, there: Collection) -> Remote:
        body = {
            "name": dashboard.title,
            "description": marked_text(dashboard.description, "dashboard", Mark(dashboard.key, UNFINISHED)),
            "collection_id": there.id,
        }

        def find() -> Remote | None:
            return _by_key(read_collection(self._api, there.id, there.name).dashboards, dashboard.key)

        return self._make("/dashboard", body, lambda answer: read_dashboard(self._api, int(answer["id"])), find)

    def _fill(self, dashboard: DashboardContent, known: Remote) -> None:
        """All of a dashboard by one request, and a look at what came of it."""
        body, projection = self._dashboard_body(dashboard, known)
        self._api.put(f"/dashboard/{known.id}", body)
        if read_dashboard(self._api, known.id).projection != projection:
            raise too_old(f"it did not keep the cards of the dashboard {dashboard.title} (id {known.id}) as sent")

    def _dashboard_body(self, dashboard: DashboardContent, known: Remote) -> tuple[Json, Json]:
        """What is sent, with its mark, and what it is to people. What stands there keeps its ids."""
        tabs = known.document.get("tabs") or []
        tab = tabs[0]["id"] if tabs else -1
        placed: dict[int, int] = {each["card_id"]: each["id"] for each in known.document.get("dashcards") or []}
        cards = []
        for place, each in enumerate(dashboard.cards, start=1):
            card = placed_card(dashboard, each, self._ids.__getitem__)
            cards.append({"id": placed.get(card["card_id"], -place), **card, "dashboard_tab_id": tab})
        body: Json = {
            "name": dashboard.title,
            "description": dashboard.description,
            "parameters": dashboard_parameters(dashboard, self._ids.__getitem__),
            "dashcards": cards,
            "tabs": [{"id": tab, "name": dashboard.title}],
        }
        projection, _ = dashboard_projection(body)
        body["description"] = marked_text(
            dashboard.description, "dashboard", Mark(dashboard.key, fingerprint(projection))
        )
        return body, projection

    def _is_settled(
        self, kind: Literal["card", "dashboard"], key: str, known: Remote, projection: Mapping[str, Any]
    ) -> bool:
        """Whether nothing is to be sent: it is as defined, or a person edited it and it is not to be overwritten."""
        is_unfinished = known.mark is not None and known.mark.fingerprint == UNFINISHED
        differing = [name for name in projection if projection[name] != known.projection.get(name)]
        if not differing and not known.is_edited:
            self._note("keep", kind, key)
            return True
        where = f"{self._api.url}/{'question' if kind == 'card' else kind}/{known.id}"
        if known.is_edited and differing and not is_unfinished:
            if not self._overwrite:
                self._note("leave", kind, key, f"a person edited its {', '.join(differing)}: {where}")
                return True
            self._note("update", kind, key, f"overwrites what a person edited: {', '.join(differing)}")
            return False
        self._note("update", kind, key, "to be finished" if is_unfinished else ", ".join(differing) or "its mark")
        return False

    def _name_others(self, there: Collection) -> None:
        """What has a mark and is not what is defined: a copy that a person made, or the rest of an old definition."""
        defined = {each.key for each in self._content.cards} | {each.key for each in self._content.dashboards}
        kinds: tuple[tuple[Literal["card", "dashboard"], Sequence[Remote]], ...]
        kinds = (("card", there.cards), ("dashboard", there.dashboards))
        for kind, things in kinds:
            for each in things:
                if each.mark is None or (each.mark.key in defined and _by_key(things, each.mark.key) is each):
                    continue
                text = "a copy" if each.mark.key in defined else "not defined any more"
                self._note("leave", kind, each.mark.key, f"{text}: {each.title} (id {each.id})")

    def _make(self, path: str, body: Json, read: Callable[[Any], T], find: Callable[[], T | None]) -> T:
        """Make something once: where it is not known whether a request arrived, look before asking again."""
        for attempt in range(ATTEMPTS):
            try:
                return read(self._api.post(path, body))
            except MetabaseError as error:
                if not error.may_have_arrived or attempt == ATTEMPTS - 1:
                    raise
            self._api.pause(attempt)
            found = find()
            if found is not None:
                return found
        raise AssertionError("unreachable")

    def _note(
        self, action: Action, kind: Literal["collection", "card", "dashboard"], name: str, text: str = ""
    ) -> None:
        self._changes.append(Change(action, kind, name, text))


def _by_key(things: Sequence[Remote], key: str) -> Remote | None:
    """The one with that mark: where a person copied it, the one that was there first."""
    return min((each for each in things if each.mark and each.mark.key == key), key=lambda each: each.id, default=None)
