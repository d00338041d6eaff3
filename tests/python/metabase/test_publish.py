"""Publish against a server that holds state: twice is once, a person's work is left alone, a broken-off run goes on."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from incident_ledger.errors import OutsideError, UserError
from incident_ledger.metabase import api as metabase_api
from incident_ledger.metabase.api import ForbiddenError, MetabaseApi, MetabaseError
from incident_ledger.metabase.content import Content
from incident_ledger.metabase.publishing import Published, Publisher
from metabase.server import KEY, Fault, Metabase, Request, serving

NAME = "Incident Ledger"


@pytest.fixture(params=["mbql4", "mbql5"])
def metabase(request: pytest.FixtureRequest, shared_data: Path) -> Iterator[Metabase]:
    """A server of either query format, with what somebody else has there."""
    made = Metabase(shared_data / "metabase_api", request.param)
    with serving(made) as made.url:
        yield made
    assert made.faults == []  # every request was one that the document allows


@pytest.fixture
def modern(shared_data: Path) -> Iterator[Metabase]:
    """A server where the query format does not matter."""
    made = Metabase(shared_data / "metabase_api", "mbql5")
    with serving(made) as made.url:
        yield made
    assert made.faults == []


@pytest.fixture(scope="module")
def small(content: Content) -> Content:
    """One dashboard, with what it needs."""
    (quality,) = (each for each in content.dashboards if each.key == "data-quality")
    keys = ("choices/", "questions/", "data-quality/")
    return Content(content.origin, tuple(each for each in content.cards if each.key.startswith(keys)), (quality,))


def client(server: Metabase, key: str = KEY, seconds: float = 20.0) -> MetabaseApi:
    """A client that waits for nothing, and notes what it would wait."""
    server.waits = []
    return MetabaseApi(server.url, key, seconds=seconds, sleep=server.waits.append)


def publisher(server: Metabase, content: Content, **options: Any) -> Publisher:
    made = options.pop("client", None) or client(server)
    return Publisher(made, content, database="Warehouse", collection=NAME, **options)


def publish(server: Metabase, content: Content, **options: Any) -> Published:
    return publisher(server, content, **options).run()


def state(server: Metabase) -> Any:
    """All that it holds, without the ids of what was made, which differ by the order of making."""
    return copy.deepcopy((server.collections, server.cards, server.dashboards))


def ours(server: Metabase) -> int:
    """The id of the published collection."""
    (found,) = (ident for ident, each in server.collections.items() if each["name"] == NAME)
    return int(found)


def made_cards(server: Metabase) -> list[dict[str, Any]]:
    return [each for each in server.cards.values() if each["collection_id"] == ours(server)]


def test_publish_makes_all_and_publish_again_changes_nothing(metabase: Metabase, content: Content) -> None:
    others = copy.deepcopy((metabase.cards[29], metabase.dashboards[2], metabase.collections[3]))
    first = publish(metabase, content)
    assert [each.action for each in first.changes] == ["create"] * (1 + len(content.cards) + len(content.dashboards))
    assert len(made_cards(metabase)) == len(content.cards)
    assert set(first.urls) == {"system-health", "incident-review", "data-quality", "compliance"}
    before, sent = state(metabase), len(metabase.writes())
    second = publish(metabase, content)
    assert second.writes == second.left == []
    assert second.urls == first.urls
    assert publish(metabase, content, is_plan=True).writes == []
    assert (state(metabase), len(metabase.writes())) == (before, sent)
    assert (metabase.cards[29], metabase.dashboards[2], metabase.collections[3]) == others


def test_a_plan_says_what_publish_does_and_sends_nothing_that_changes(metabase: Metabase, content: Content) -> None:
    planned = publish(metabase, content, is_plan=True)
    assert metabase.writes() == []
    done = publish(metabase, content)
    assert planned.changes == done.changes


def test_filters_are_wired_and_clicks_lead_to_questions(modern: Metabase, content: Content) -> None:
    publish(modern, content)
    (review,) = (each for each in modern.dashboards.values() if each["name"] == "Incident review")
    parameters = {each["slug"]: each["id"] for each in review["parameters"]}
    assert list(parameters) == ["period", "severity", "component", "source"]
    cards = {modern.cards[each["card_id"]]["name"]: each for each in review["dashcards"]}
    month = cards["Incidents by month"]
    assert {each["parameter_id"] for each in month["parameter_mappings"]} == {
        parameters[name] for name in ("severity", "component", "source")
    }
    click = month["visualization_settings"]["click_behavior"]
    assert modern.cards[click["targetId"]]["name"] == "Incidents behind a bar"
    assert set(click["parameterMapping"]) == {"month", "severity_level", "severity", "component", "source"}
    link = cards["All incidents"]["visualization_settings"]["column_settings"]['["name","incident_id"]']
    assert modern.cards[link["click_behavior"]["targetId"]]["name"] == "Timeline of an incident"
    listed = review["parameters"][1]["values_source_config"]["card_id"]
    assert modern.cards[listed]["name"] == "Choices: severity"


def test_a_card_that_a_person_edited_is_named_and_left_alone(metabase: Metabase, small: Content) -> None:
    publish(metabase, small)
    card = made_cards(metabase)[10]
    card["name"] = "My own title"
    before = state(metabase)
    again = publish(metabase, small)
    assert again.writes == []
    (left,) = again.left
    assert left.text.startswith("a person edited its name: ")
    assert left.text.endswith(f"/question/{card['id']}")
    assert state(metabase) == before
    assert [each.action for each in publish(metabase, small, is_plan=True, overwrite=True).writes] == ["update"]
    assert [each.action for each in publish(metabase, small, overwrite=True).writes] == ["update"]
    assert publish(metabase, small).left == []
    assert card["name"] != "My own title"


@pytest.mark.parametrize("what", ["sql", "description", "visualization_settings", "parameters"])
def test_whatever_a_person_edits_of_a_card_counts(what: str, modern: Metabase, small: Content) -> None:
    publish(modern, small)
    card = made_cards(modern)[-1]
    if what == "sql":
        card["dataset_query"]["stages"][0]["native"] += "limit 5"
    elif what == "description":
        card["description"] = "Mine."
    elif what == "parameters":
        card["parameters"][0]["name"] = "Mine"
    else:
        card["visualization_settings"]["table.pivot"] = True
    again = publish(modern, small)
    assert (len(again.writes), len(again.left)) == (0, 1)


def test_a_dashboard_that_a_person_arranged_is_left_alone(modern: Metabase, small: Content) -> None:
    publish(modern, small)
    (quality,) = (each for each in modern.dashboards.values() if each["name"] == "Data quality")
    quality["dashcards"][0]["size_y"] += 1
    again = publish(modern, small)
    assert [each.text.partition(":")[0] for each in again.left] == ["a person edited its cards"]
    publish(modern, small, overwrite=True)
    assert publish(modern, small).left == []


def test_what_changed_in_the_definitions_is_updated_with_the_same_ids(modern: Metabase, small: Content) -> None:
    publish(modern, small)
    cards = [
        replace(each, title=f"{each.title}, new") if each.key.endswith("worst_rules") else each for each in small.cards
    ]
    ids = {each["id"] for each in made_cards(modern)}
    changed = publish(modern, Content(small.origin, tuple(cards), small.dashboards))
    assert [(each.action, each.name) for each in changed.writes] == [("update", "data-quality/worst_rules")]
    assert {each["id"] for each in made_cards(modern)} == ids
    assert len([each for each in made_cards(modern) if each["name"] == "Rules that fail now, new"]) == 1


def test_a_copy_and_what_is_not_defined_any_more_are_named_and_left(modern: Metabase, small: Content) -> None:
    publish(modern, small)
    copied = copy.deepcopy(made_cards(modern)[5]) | {"id": 900, "name": "Mine - Duplicate"}
    modern.cards[900] = copied
    fewer = Content(small.origin, small.cards, small.dashboards[:-1])
    again = publish(modern, fewer)
    assert sorted(each.text for each in again.left) == [
        "a copy: Mine - Duplicate (id 900)",
        next(f"not defined any more: Data quality (id {key})" for key, each in modern.dashboards.items()
             if each["name"] == "Data quality"),
    ]  # fmt: skip
    assert modern.cards[900] == copied


def test_a_collection_of_somebody_else_with_the_name_is_refused(modern: Metabase, small: Content) -> None:
    modern.collections[3]["name"] = NAME
    with pytest.raises(UserError, match=r"collection Incident Ledger \(id 3\) that was not published from"):
        publish(modern, small)
    assert modern.writes() == []


def test_cards_of_people_in_the_collection_are_not_touched(modern: Metabase, small: Content) -> None:
    publish(modern, small)
    modern.cards[29] |= {"collection_id": ours(modern), "name": "Rules that fail now"}
    before = state(modern)
    assert publish(modern, small, overwrite=True).changes == publish(modern, small).changes
    assert state(modern) == before


@pytest.mark.parametrize("count", [0, 1, 8, 13, 14])
@pytest.mark.parametrize("is_done", [False, True], ids=["not-done", "done"])
def test_a_publish_that_broke_off_ends_the_same_when_run_again(
    count: int, is_done: bool, modern: Metabase, small: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metabase_api, "ATTEMPTS", 1)
    monkeypatch.setattr("incident_ledger.metabase.publishing.ATTEMPTS", 1)

    def cut(_: Request, __: int) -> Fault | None:
        return Fault(is_done=is_done) if len(modern.writes()) == count + 1 and not modern.is_cut else None

    modern.is_cut = False
    modern.sabotage = cut
    with pytest.raises(OutsideError, match="broke the connection"):
        publish(modern, small)
    modern.is_cut = True
    publish(modern, small)
    assert publish(modern, small).writes == []
    assert len(made_cards(modern)) == len(small.cards)
    assert sorted(each["name"] for each in modern.dashboards.values() if each["collection_id"] == ours(modern)) == (
        sorted(each.title for each in small.dashboards)
    )


@pytest.mark.parametrize("is_done", [False, True], ids=["not-done", "done"])
def test_a_lost_answer_to_a_creation_makes_nothing_twice(is_done: bool, modern: Metabase, small: Content) -> None:
    modern.sabotage = lambda request, count: Fault(is_done=is_done) if request.method == "POST" and count == 0 else None
    publish(modern, small)
    assert len(made_cards(modern)) == len(small.cards)
    assert len([each for each in modern.collections.values() if each["name"] == NAME]) == 1
    modern.sabotage = lambda *_: None
    assert publish(modern, small).writes == []


def test_a_busy_server_is_asked_again_when_it_says(modern: Metabase, small: Content) -> None:
    made = client(modern)
    modern.sabotage = lambda request, count: (
        Fault(429, {"Retry-After": "7"}) if request.path == "/database" and count == 0 else
        Fault(503) if request.path == "/collection" and count == 0 else None
    )  # fmt: skip
    publish(modern, small, client=made)
    assert modern.waits == [7.0, 1.0, 1.0]


def test_a_server_that_is_always_busy_or_asks_too_long_ends_the_run(modern: Metabase, small: Content) -> None:
    modern.sabotage = lambda *_: Fault(429, {"Retry-After": "1"})
    with pytest.raises(MetabaseError, match="answered 429"):
        publish(modern, small)
    assert len(modern.requests) == metabase_api.ATTEMPTS
    modern.sabotage = lambda *_: Fault(429, {"Retry-After": "86400"})
    with pytest.raises(MetabaseError, match="asks to wait 86400 s"):
        publish(modern, small)


def test_a_key_that_is_refused_is_the_users_and_not_repeated(modern: Metabase, small: Content) -> None:
    with pytest.raises(UserError, match=r"refuses the key in INCIDENT_LEDGER_METABASE_API_KEY \(401\)") as raised:
        publish(modern, small, client=client(modern, "mb_other-key"))
    assert "mb_other" not in str(raised.value)
    assert len(modern.requests) == 1


def test_an_error_that_repeats_the_key_is_shown_without_it(modern: Metabase) -> None:
    modern.sabotage = lambda *_: Fault(400, body=f"bad header {KEY}")
    with pytest.raises(MetabaseError, match=r"answered 400: bad header \*\*\*"):
        client(modern).get("/database")


def test_a_collection_that_the_key_may_not_read_is_named(modern: Metabase, small: Content) -> None:
    publish(modern, small)
    modern.forbidden.add(ours(modern))
    with pytest.raises(ForbiddenError, match=r"part of the collection Incident Ledger \(id \d+\)"):
        publish(modern, small)


def test_a_collection_that_the_key_may_not_write_is_named(modern: Metabase, small: Content) -> None:
    modern.sabotage = lambda request, _: (
        Fault(403, body="You don't have permissions to do that.") if request.path == "/card" else None
    )
    with pytest.raises(
        ForbiddenError, match=r"may not POST /card \(403\)\. .* curate the collection Incident Ledger \(id"
    ):
        publish(modern, small)
    modern.sabotage = lambda *_: None
    publish(modern, small)
    assert publish(modern, small).writes == []


def test_another_collection_that_the_key_may_not_read_is_no_matter(modern: Metabase, small: Content) -> None:
    modern.forbidden.add(3)
    publish(modern, small)
    assert publish(modern, small).writes == []


def test_a_page_in_place_of_an_answer_is_named(modern: Metabase, small: Content) -> None:
    modern.sabotage = lambda *_: Fault(200, {"Content-Type": "text/html"}, "<html>Log in</html>")
    with pytest.raises(MetabaseError, match="answered with text/html and not with JSON"):
        publish(modern, small)


@pytest.mark.parametrize("body", ['{"data": 3}', "[]", '["a"]', "null", '{"data": [{"name": "x"}]}'])
def test_an_answer_of_another_shape_is_named(body: str, modern: Metabase, small: Content) -> None:
    modern.sabotage = lambda *_: Fault(200, body=body)
    with pytest.raises((MetabaseError, UserError), match=r"no list of things with ids|has no database"):
        publish(modern, small)


def test_a_redirect_is_not_followed_with_the_key(modern: Metabase, small: Content, shared_data: Path) -> None:
    other = Metabase(shared_data / "metabase_api", "mbql5")
    with serving(other) as url:
        modern.sabotage = lambda request, _: Fault(302, {"Location": f"{url}/api{request.path}"})
        with pytest.raises(UserError, match=r"sent on to http://127\.0\.0\.1.* the key was not sent on"):
            publish(modern, small)
    assert other.requests == []


@pytest.mark.parametrize("fault", [Fault(seconds=3.0), Fault(200, body="[" + " " * 200 + "]", drip=True)])
def test_a_server_that_is_slow_is_left_at_the_deadline(fault: Fault, modern: Metabase) -> None:
    modern.sabotage = lambda *_: fault
    with pytest.raises(MetabaseError, match=r"did not answer within 0\.3 s"):
        client(modern, seconds=0.3).get("/database")


def test_a_metabase_that_is_too_old_is_named(modern: Metabase, small: Content) -> None:
    modern.is_old = True
    with pytest.raises(UserError, match=r"too old: .* Metabase 50 or later"):
        publish(modern, small)


def test_a_query_that_was_not_kept_ends_the_run(modern: Metabase, small: Content) -> None:
    body = '{"id": 5, "name": "x", "dataset_query": {}}'
    modern.sabotage = lambda request, _: (
        Fault(200, body=body) if (request.method, request.path) == ("POST", "/card") else None
    )
    with pytest.raises(MetabaseError, match="did not keep the query of choices/"):
        publish(modern, small)


def test_a_database_that_metabase_does_not_know_is_named_with_those_that_there_are(
    modern: Metabase, small: Content
) -> None:
    made = Publisher(client(modern), small, database="Other", collection=NAME)
    with pytest.raises(UserError, match=r"no database called Other\. .* one of: Warehouse, dbtmetabase"):
        made.run()


def test_nobody_answers(small: Content) -> None:
    made = MetabaseApi("http://127.0.0.1:1", KEY, sleep=lambda _: None)
    with pytest.raises(MetabaseError, match=r"Metabase at 127\.0\.0\.1 \(GET /database\) cannot be reached"):
        Publisher(made, small, database="", collection=NAME).run()
