"""The tests' own Metabase finds what is wrong with a request, and refuses what Metabase refuses."""

from pathlib import Path
from typing import Any

import pytest

from metabase.openapi import OpenApi
from metabase.server import KEY, Metabase, RefusedError, Request

CARD = {"name": "A", "display": "table", "visualization_settings": {}, "dataset_query": {"database": 7, "native": {}}}
PLACED = {
    **{"id": -1, "card_id": 29, "row": 0, "col": 0, "size_x": 4, "size_y": 4, "series": [], "dashboard_tab_id": -1},
    **{"parameter_mappings": [], "visualization_settings": {}},
}


@pytest.mark.parametrize(
    ("method", "path", "body", "fault"),
    [
        ("GET", "/session/properties", None, "is not in the document"),
        ("GET", "/collection/4/items?models=pulses", None, "is not one of"),
        ("GET", "/collection/4/items?limit=many", None, "is not of type 'integer'"),
        ("GET", "/collection?page=2", None, "has no parameter page"),
        ("POST", "/collection", {"name": "A", "color": "red"}, "Additional properties"),
        ("POST", "/dashboard", {"description": "A"}, "'name' is a required property"),
        ("PUT", "/dashboard/3", {"dashcards": [PLACED | {"row": "1"}]}, "is not of type 'integer'"),
        ("PUT", "/dashboard/3", {"parameters": [{"id": "a", "name": "A"}]}, "'slug' is a required property"),
        ("PUT", "/field/3", {"visibility_type": "normal"}, "Additional properties"),
    ],
)
def test_a_request_that_the_document_does_not_allow_is_a_fault(
    method: str, path: str, body: Any, fault: str, shared_data: Path
) -> None:
    api = OpenApi(shared_data / "metabase_api" / "openapi.yaml")
    path, _, query = path.partition("?")
    assert fault in "\n".join(api.faults(method, path, query, body))


def test_a_request_that_the_document_allows_has_no_fault(shared_data: Path) -> None:
    api = OpenApi(shared_data / "metabase_api" / "openapi.yaml")
    assert list(api.faults("GET", "/collection/4/items", "models=card&limit=5", None)) == []
    assert list(api.faults("PUT", "/dashboard/3", "", {"dashcards": [PLACED], "description": None})) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/card", CARD | {"name": " "}, 400),
        ("POST", "/card", CARD | {"display": None}, 400),
        ("POST", "/card", CARD | {"description": ""}, 400),
        ("POST", "/card", CARD | {"collection_id": 77}, 404),
        ("POST", "/card", CARD | {"dataset_query": {"database": 99}}, 404),
        ("PUT", "/card/77", {"name": "A"}, 404),
        ("PUT", "/dashboard/2", {"dashcards": [PLACED | {"card_id": 77}]}, 404),
        ("PUT", "/dashboard/2", {"dashcards": [PLACED | {"id": 77}]}, 404),
        ("PUT", "/dashboard/2", {"dashcards": [PLACED | {"size_x": 0}]}, 400),
        ("DELETE", "/card/29", None, 404),
    ],
)
def test_what_metabase_refuses_is_refused_and_changes_nothing(
    method: str, path: str, body: Any, status: int, shared_data: Path
) -> None:
    metabase = Metabase(shared_data / "metabase_api", "mbql5")
    with pytest.raises(RefusedError) as raised:
        metabase.answer(Request(method, path, "", body, KEY))
    assert raised.value.status == status
    assert metabase.cards[29]["name"] == "Returned Order Count SQL"


def test_no_key_and_another_key_are_refused_before_all_else(shared_data: Path) -> None:
    metabase = Metabase(shared_data / "metabase_api", "mbql4")
    for key in (None, "mb_other"):
        with pytest.raises(RefusedError) as raised:
            metabase.answer(Request("GET", "/database", "", None, key))
        assert raised.value.status == 401
