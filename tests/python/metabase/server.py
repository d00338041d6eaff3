"""A Metabase of the tests' own: it holds state, answers as recorded, checks requests, refuses as Metabase does."""

import copy
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from metabase.openapi import OpenApi

KEY = "mb_a-key-of-the-tests"
Json = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. `is_done`: Metabase did it all the same, and the answer is what is lost."""

    status: int | None = None  # None: the connection is cut
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "{}"
    is_done: bool = False
    seconds: float = 0.0
    drip: bool = False


class RefusedError(Exception):
    """Metabase's answer to what it does not take."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: str
    body: Any
    key: str | None


class Metabase:
    """The state of one server, with a database, a collection of somebody and a card in it."""

    def __init__(self, recorded: Path, query_format: str) -> None:
        self.query_format = query_format
        self._recorded = {
            name: json.loads((recorded / query_format / f"api_{name}.json").read_text())
            for name in ("card_29", "collection", "dashboard_2", "database")
        }
        self.api = OpenApi(recorded / "openapi.yaml")
        self.requests: list[Request] = []
        self.faults: list[str] = []
        self.sabotage: Callable[[Request, int], Fault | None] = lambda _request, _count: None
        self.forbidden: set[int] = set()  # collections
        self.is_old = self.is_cut = False
        self.url = ""
        self.waits: list[float] = []
        self._next = 100
        self.collections: dict[int, Json] = {
            each["id"]: each for each in self._recorded["collection"] if isinstance(each["id"], int)
        }
        own = copy.deepcopy(self._recorded["card_29"]) | {"collection_id": 3}
        self.cards: dict[int, Json] = {own["id"]: own}
        other = copy.deepcopy(self._recorded["dashboard_2"])
        self.dashboards: dict[int, Json] = {other["id"]: other | {"collection_id": 3}}
        (database,) = self._recorded["database"]
        details = {"project-id": "ai-workflows-459123", "dataset-filters-type": "all"}
        bigquery = database | {"id": 7, "name": "Warehouse", "engine": "bigquery-cloud-sdk", "details": details}
        self.databases: dict[int, Json] = {database["id"]: database, 7: bigquery}
        self.tables: dict[int, Json] = {}
        self.fields: dict[int, Json] = {}

    # What is asked.

    def answer(self, request: Request) -> Any:
        """The answer to a request that is allowed. Raises `RefusedError`."""
        if request.key != KEY:
            raise RefusedError(401, "Unauthenticated")
        self.faults += self.api.faults(request.method, request.path, request.query, request.body)
        for method, pattern, act in self._routes():
            if method == request.method and (found := re.fullmatch(pattern, request.path)):
                return act(request, *map(int, found.groups()))
        raise RefusedError(404, "API endpoint does not exist.")

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """What there is, by method and path."""
        return [
            ("GET", "/database", lambda _: {"data": list(self.databases.values()), "total": len(self.databases)}),
            ("GET", r"/database/(\d+)/metadata", self._metadata),
            ("POST", r"/database/(\d+)/sync_schema", lambda *_: {"status": "ok"}),
            ("GET", "/table", lambda _: list(self.tables.values())),
            ("PUT", r"/table/(\d+)", lambda request, ident: self._describe(self.tables[ident], request.body)),
            ("PUT", r"/field/(\d+)", lambda request, ident: self._describe(self.fields[ident], request.body)),
            ("GET", "/collection", lambda _: [self._recorded["collection"][0], *self.collections.values()]),
            ("POST", "/collection", lambda request: self._make_collection(request.body)),
            ("GET", r"/collection/(\d+)/items", lambda request, ident: self._items(ident, parse_qs(request.query))),
            ("GET", r"/card/(\d+)", lambda _, ident: self._read(self.cards, ident)),
            ("POST", "/card", lambda request: self._make_card(request.body)),
            ("PUT", r"/card/(\d+)", self._put_card),
            ("GET", r"/dashboard/(\d+)", lambda _, ident: self._read(self.dashboards, ident)),
            ("POST", "/dashboard", lambda request: self._make_dashboard(request.body)),
            ("PUT", r"/dashboard/(\d+)", self._put_dashboard),
        ]

    def _metadata(self, _: Request, ident: int) -> Json:
        tables = [
            table | {"fields": [each for each in self.fields.values() if each["table_id"] == table["id"]]}
            for table in self.tables.values()
        ]
        return self.databases[ident] | {"tables": tables}

    def _put_card(self, request: Request, ident: int) -> Json:
        self._read(self.cards, ident)
        return self._write_card(ident, self._card_fields(request.body))

    def _put_dashboard(self, request: Request, ident: int) -> Json:
        self._read(self.dashboards, ident)
        return self._write_dashboard(ident, request.body)

    def writes(self) -> list[Request]:
        """The requests that change something."""
        return [each for each in self.requests if each.method != "GET"]

    # What it holds.

    def _ident(self) -> int:
        self._next += 1
        return self._next

    def _may_use(self, collection: int | None) -> None:
        if collection is not None and collection not in self.collections:
            raise RefusedError(404, "Not found.")
        if collection in self.forbidden:
            raise RefusedError(403, "You don't have permissions to do that.")

    def _read(self, things: dict[int, Json], ident: int) -> Json:
        if ident not in things:
            raise RefusedError(404, "Not found.")
        self._may_use(things[ident]["collection_id"])
        if self.is_old and things is self.dashboards:
            shown = dict(things[ident])
            return shown | {"ordered_cards": shown.pop("dashcards")}
        return things[ident]

    def _make_collection(self, body: Json) -> Json:
        self._need(body, "name")
        ident = self._ident()
        base = copy.deepcopy(self._recorded["collection"][-1])
        self.collections[ident] = base | body | {"id": ident, "entity_id": f"c{ident:020d}", "slug": "made"}
        return self.collections[ident]

    def _items(self, ident: int, query: dict[str, list[str]]) -> Json:
        self._may_use(ident)
        if ident not in self.collections:
            raise RefusedError(404, "Not found.")
        models = query.get("models", ["card", "dashboard"])
        items = [
            {"id": each["id"], "model": model, "name": each["name"], "description": each["description"]}
            for model, things in (("card", self.cards), ("dashboard", self.dashboards))
            for each in things.values()
            if model in models and each["collection_id"] == ident and not each["archived"]
        ]
        first, most = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["50"])[0])
        page = items[first : first + most]
        return {"data": page, "total": len(items), "models": models, "limit": most, "offset": first}

    def _make_card(self, body: Json) -> Json:
        self._need(body, "name", "display", "dataset_query", "visualization_settings")
        self._may_use(body.get("collection_id"))
        ident = self._ident()
        base = copy.deepcopy(self._recorded["card_29"])
        fresh = {"id": ident, "entity_id": f"k{ident:020d}", "collection_id": body.get("collection_id")}
        self.cards[ident] = base | {"parameters": [], "description": None} | fresh
        return self._write_card(ident, self._card_fields(body))

    def _card_fields(self, body: Json) -> Json:
        for name in ("name", "display", "description"):
            if name in body and body[name] is not None:
                self._need(body, name)
        if "collection_id" in body:
            self._may_use(body["collection_id"])
        query = body.get("dataset_query", {})
        if query and query.get("database") not in self.databases:
            raise RefusedError(404, "Not found.")
        names = ("name", "description", "display", "dataset_query", "visualization_settings", "parameters", "archived")
        return {name: copy.deepcopy(body[name]) for name in names if name in body}

    def _write_card(self, ident: int, fields: Json) -> Json:
        if "dataset_query" in fields and self.query_format == "mbql5":
            legacy = fields["dataset_query"]
            stage = {"lib/type": "mbql.stage/native", "native": legacy["native"]["query"]}
            if legacy["native"].get("template-tags"):
                stage["template-tags"] = legacy["native"]["template-tags"]
            fields["dataset_query"] = {"lib/type": "mbql/query", "stages": [stage], "database": legacy["database"]}
            fields["legacy_query"] = json.dumps(legacy)
        self.cards[ident] |= fields
        return self.cards[ident]

    def _make_dashboard(self, body: Json) -> Json:
        self._need(body, "name")
        self._may_use(body.get("collection_id"))
        ident = self._ident()
        base = copy.deepcopy(self._recorded["dashboard_2"])
        fresh = {"id": ident, "entity_id": f"d{ident:020d}", "dashcards": [], "tabs": [], "parameters": []}
        self.dashboards[ident] = base | fresh | copy.deepcopy(body)
        return self.dashboards[ident]

    def _write_dashboard(self, ident: int, body: Json) -> Json:
        there = self.dashboards[ident]
        known = {each["id"] for each in there["dashcards"]}
        tabs = {}
        for tab in body.get("tabs", []):
            self._need(tab, "name")
            tabs[tab["id"]] = tab["id"] if tab["id"] > 0 else self._ident()
        placed = []
        for each in body.get("dashcards", []):
            if each["id"] > 0 and each["id"] not in known:
                raise RefusedError(404, "Not found.")
            if each["card_id"] not in self.cards:
                raise RefusedError(404, "Not found.")
            if min(each["size_x"], each["size_y"]) < 1 or min(each["row"], each["col"]) < 0:
                raise RefusedError(400, {"errors": {"dashcards": "value must be an integer greater than zero."}})
            for mapping in each["parameter_mappings"]:
                self._need(mapping, "parameter_id")
            ident_of = each["id"] if each["id"] > 0 else self._ident()
            tab = tabs.get(each.get("dashboard_tab_id"))
            placed.append(copy.deepcopy(each) | {"id": ident_of, "dashboard_tab_id": tab, "action_id": None})
        for parameter in body.get("parameters", []):
            self._need(parameter, "id")
            self._need(parameter, "type")
        changed = {name: copy.deepcopy(body[name]) for name in ("name", "description", "parameters") if name in body}
        if "dashcards" in body:
            changed["dashcards"] = placed
        if "tabs" in body:
            changed["tabs"] = [{"id": tabs[tab["id"]], "name": tab["name"]} for tab in body["tabs"]]
        there |= changed
        return there

    def _need(self, body: Json, *names: str) -> None:
        for name in names:
            value = body.get(name)
            if value is None or (isinstance(value, str) and not value.strip()):
                raise RefusedError(400, {"errors": {name: "value must be a non-blank string."}})

    def _describe(self, thing: Json, body: Json) -> Json:
        for name in ("description", "display_name"):
            if body.get(name) is not None:
                self._need(body, name)
        thing |= body
        return thing


@contextmanager
def serving(metabase: Metabase) -> Iterator[str]:
    """Its address while it serves."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

        def _do(self) -> None:
            split = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            key = self.headers.get("X-API-Key")
            request = Request(self.command, split.path.removeprefix("/api"), split.query, body, key)
            same = [each for each in metabase.requests if (each.method, each.path) == (request.method, request.path)]
            metabase.requests.append(request)
            fault = metabase.sabotage(request, len(same))
            if fault is None:
                self._send(*_answered(metabase, request))
                return
            if fault.is_done:
                _answered(metabase, request)
            time.sleep(fault.seconds)
            if fault.status is None:
                self.close_connection = True
                return
            self._send(fault.status, fault.body.encode(), fault.headers, drip=fault.drip)

        do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815

        def _send(self, status: int, body: bytes, headers: dict[str, str], *, drip: bool = False) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not drip:
                self.wfile.write(body)
                return
            try:
                for each in body:
                    self.wfile.write(bytes([each]))
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answered(metabase: Metabase, request: Request) -> tuple[int, bytes, dict[str, str]]:
    try:
        return 200, json.dumps(metabase.answer(request)).encode(), {}
    except RefusedError as error:
        is_text = isinstance(error.body, str)
        body = error.body if isinstance(error.body, str) else json.dumps(error.body)
        return error.status, body.encode(), {"Content-Type": "text/plain" if is_text else "application/json"}
