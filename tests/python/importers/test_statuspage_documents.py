"""Bad input: one clear message with file and line or field, and no good record lost."""

import json
from datetime import timedelta
from typing import Any

import pytest

from importers.pages import IMPORTER, T0, at, document, import_all, incident, poll, resolved, update
from incident_ledger.importers import Document, Reject


def parse(content: str | bytes) -> tuple[int, list[Reject]]:
    parsed = IMPORTER.parse(Document("x.jsonl", content.encode() if isinstance(content, str) else content))
    return IMPORTER.size(parsed.records), parsed.rejects


def one_reject(record: dict[str, Any]) -> Reject:
    size, rejects = parse(json.dumps(record))
    assert size == 0
    (reject,) = rejects
    return reject


def test_malformed_line_is_named_and_the_others_are_read() -> None:
    size, rejects = parse("\n".join([json.dumps(incident("a")), '{"id": ', "", json.dumps(incident("b"))]))
    assert size == 2
    assert str(rejects[0]) == "x.jsonl:2: is not JSON: Expecting value at column 8"
    assert rejects[0].record == '{"id": '


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"impact": "huge"}, "impact", "'huge' is unknown"),
        ({"impact": None}, "impact", "is missing"),
        ({"status": "odd"}, "status", "'odd' is unknown"),
        ({"id": None}, "id", "is missing"),
        ({"id": 7}, "id", "is 7, not text"),
        ({"name": "  "}, "name", "is empty"),
        ({"name": "a\0b"}, "name", "holds a NUL character (U+0000)"),
        ({"name": "a\ud800"}, "name", "half a surrogate pair"),
        ({"created_at": None}, "created_at", "is missing"),
        ({"created_at": "2026-03-02T09:00:00"}, "created_at", "has no time zone"),
        ({"created_at": "yesterday"}, "created_at", "not a time"),
        ({"created_at": 1772442000}, "created_at", "not a time"),
        ({"updated_at": "2026-03-02"}, "updated_at", "has no time zone"),
        ({"resolved_at": "soon"}, "resolved_at", "not a time"),
        ({"status": "resolved", "resolved_at": None}, "resolved_at", "is missing, although the status is resolved"),
        ({"incident_updates": "none"}, "incident_updates", "not a list"),
        ({"incident_updates": ["x"]}, "incident_updates[0]", "not an object"),
        ({"incident_updates": [{"id": "u", "status": "odd"}]}, "incident_updates[0].status", "'odd' is unknown"),
        ({"incident_updates": [{"id": "u", "status": "resolved"}]}, "incident_updates[0].display_at", "is missing"),
        ({"incident_updates": [{"id": "u", "status": "identified", "display_at": at(1), "body": "\0"}]},
         "incident_updates[0].body", "NUL"),
        ({"components": [{"title": "x"}]}, "components[0].name", "is missing"),
    ],
)  # fmt: skip
def test_bad_field_is_named(change: dict[str, Any], field: str, error: str) -> None:
    reject = one_reject(incident(**change))
    assert (reject.file, reject.line, reject.field) == ("x.jsonl", 1, field)
    assert error in reject.error


NOT_KEPT = [
    ("1e400", "1e400 is too large a number"),
    ("9" * 5_000, "a number has 5000 digits, over 39"),
]
NO_YEAR = [  # of UTC
    (json.dumps(text), f"is {text!r}, which is outside of the years 1 to 9999")
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
]


@pytest.mark.parametrize("field", ["created_at", "resolved_at", "incident_updates[0].display_at"])
@pytest.mark.parametrize(("written", "error"), [*NOT_KEPT, *NO_YEAR], ids=lambda value: value[:30])
def test_value_that_no_time_holds_costs_its_record_alone(field: str, written: str, error: str) -> None:
    bad = incident("bad", updates=[update("u", "identified", 3)])
    holder = bad["incident_updates"][0] if "." in field else bad
    holder[field.rpartition(".")[2]] = "HERE"
    text = json.dumps(poll(60, incident("a"), bad, incident("z")), indent=1)
    line = text[: text.index('"id": "bad"')].count("\n") + 1
    size, rejects = parse(text.replace('"HERE"', written))
    assert (size, [str(reject) for reject in rejects]) == (2, [f"x.jsonl:{line}: incidents[1].{field}: {error}"])


@pytest.mark.parametrize("field", ["name", "impact", "incident_updates", "components", "updated_at"])
@pytest.mark.parametrize(("written", "error"), NOT_KEPT, ids=lambda value: value[:30])
def test_number_that_no_column_holds_is_named_in_any_field_that_is_read(field: str, written: str, error: str) -> None:
    text = json.dumps(poll(60, incident("a"), incident("bad", **{field: "HERE"}), incident("z")))
    size, rejects = parse(text.replace('"HERE"', written))
    assert (size, [str(reject) for reject in rejects]) == (2, [f"x.jsonl:1: incidents[1].{field}: {error}"])


@pytest.mark.parametrize("written", [written for written, _ in (*NOT_KEPT, *NO_YEAR)], ids=lambda value: value[:30])
def test_field_that_is_not_read_costs_nothing_whatever_it_holds(written: str) -> None:
    """Of the page, of an incident, of an update and of a component: none of them reaches the ledger."""
    odd = incident("b", updates=[update("u", "identified", 3) | {"unknown": "HERE"}], unknown="HERE")
    odd["components"][0]["unknown"] = {"deep": ["HERE"]}
    text = json.dumps(poll(60, incident("a"), odd, unknown="HERE")).replace('"HERE"', written)
    parsed = IMPORTER.parse(Document("x.json", text.encode()))
    assert (parsed.rejects, parsed.remarks) == ([], [])
    events = list(IMPORTER.plan(parsed.records, []).events)
    plain = [poll(60, incident("a"), incident("b", updates=[update("u", "identified", 3)]))]
    assert events == import_all(*plain)


def test_zone_is_read_and_not_guessed() -> None:
    parsed = IMPORTER.parse(document(incident(created_at="2026-03-02T01:00:00-08:00", started_at=None)))
    assert parsed.records[0].views[0].created_at.isoformat() == "2026-03-02T09:00:00+00:00"


@pytest.mark.parametrize(
    "title", ["<script>alert('x')</script>", "line\r\nline", "🚨 \"quoted\" 'title'", "x" * 100_000, "{{ 7*7 }}"]
)
def test_strange_title_is_kept_whole(title: str) -> None:
    parsed = IMPORTER.parse(document(incident(name=title)))
    (event,) = IMPORTER.plan(parsed.records, []).events
    assert event.payload["title"] == title


def test_reversed_times_are_taken_in_with_a_remark() -> None:
    parsed = IMPORTER.parse(document(resolved(minutes=-5)))
    assert (IMPORTER.size(parsed.records), parsed.rejects) == (1, [])
    assert parsed.remarks == [
        "x.json:1: aaa: resolved_at is before created_at; taken in, and flagged as has_time_anomaly"
    ]


@pytest.mark.parametrize("status", ["resolved", "postmortem"])
def test_resolved_without_a_time_is_resolved_at_the_update_that_says_so_with_a_remark(status: str) -> None:
    """The decision log's example: over, `resolved_at` null, `resolved` at 09:30 and `postmortem` at 11:00."""
    updates = [update("u1", "resolved", 20), update("u2", "resolved", 30), update("u3", "postmortem", 120)]
    parsed = IMPORTER.parse(document(incident(updates=updates, status=status)))
    assert (parsed.records[0].views[0].resolved_at, parsed.rejects) == (T0 + timedelta(minutes=30), [])
    assert parsed.remarks == [
        f"x.json:1: aaa: resolved_at is missing although the status is {status}; "
        "taken as resolved at its last update that is resolved"
    ]


def test_resolved_at_of_the_page_needs_no_remark() -> None:
    assert IMPORTER.parse(document(resolved())).remarks == []


def test_missing_updated_at_and_display_at_have_a_stand_in() -> None:
    record = incident()
    record["incident_updates"] = [{"id": "u", "status": "identified", "body": None, "created_at": at(4)}]
    del record["updated_at"]
    (view,) = IMPORTER.parse(document(record)).records[0].views
    assert view.updated_at == view.updates[0].at


def test_duplicate_in_an_archive_counts_once_and_is_remarked_when_it_differs() -> None:
    same = IMPORTER.parse(document(incident(), incident()))
    assert same.remarks == []
    assert len(IMPORTER.plan(same.records, []).events) == 1
    differs = IMPORTER.parse(document(resolved(name="New", updated_at=at(50)), incident()))
    assert differs.remarks == ["x.json: aaa is there more than once, and differs; the latest updated_at counts"]
    plan = IMPORTER.plan(differs.records, [])
    assert {event.incident_id for event in plan.events} == {plan.events[0].incident_id}


def test_duplicate_in_a_poll_that_differs_is_refused() -> None:
    parsed = IMPORTER.parse(document(poll(60, incident(), incident(name="Other"), incident())))
    assert [(reject.field, reject.error) for reject in parsed.rejects] == [
        ("incidents[1].id", "aaa is there twice, and differs")
    ]
    assert IMPORTER.size(parsed.records) == 1


def test_last_update_of_an_id_counts() -> None:
    record = incident(updates=[update("u", "identified", 5, "b"), update("u", "identified", 4, "a")])
    (view,) = IMPORTER.parse(document(record)).records[0].views
    assert len(view.updates) == 1


def test_bad_record_of_a_poll_is_named_by_its_place_and_line() -> None:
    text = json.dumps(poll(60, incident("a"), incident("b", impact="huge")), indent=1)
    size, rejects = parse(text)
    line = text[: text.index('"id": "b"')].count("\n") + 1
    assert (size, str(rejects[0]).split(" is unknown")[0]) == (1, f"x.jsonl:{line}: incidents[1].impact: 'huge'")


def test_polls_may_stand_one_a_line_and_incidents_in_a_list() -> None:
    assert parse(json.dumps(poll(1, incident("a"))) + "\n" + json.dumps(poll(2, incident("a"), incident("b"))))[0] == 3
    assert parse(json.dumps([incident("a"), incident("b")]))[0] == 2
    assert parse("\ufeff" + json.dumps(incident("a")) + "\r\n" + json.dumps(incident("b")) + "\r\n")[0] == 2


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "is empty"),
        (" \n\t\n", "is empty"),
        ("<html>\n<body>502 Bad Gateway</body>\n</html>", "holds no record of a status page; line 1 is not JSON"),
        (b"\xff\xfe\x00\x01\n\xff", "holds no record of a status page; line 1 is not JSON: byte 0xff is not UTF-8"),
    ],
)
def test_document_that_is_none_is_one_reject_of_the_whole(content: str | bytes, error: str) -> None:
    size, rejects = parse(content)
    assert (size, len(rejects), rejects[0].line) == (0, 1, 0)
    assert rejects[0].error.startswith(error)


@pytest.mark.parametrize("body", [{"data": []}, 7, "text", None, {"usage": 1}, [1], {"incidents": 7}])
def test_json_that_is_no_status_page_is_refused(body: Any) -> None:
    size, rejects = parse(json.dumps(body))
    assert (size, len(rejects)) == (0, 1)
    assert "is neither an incident of a status page nor an answer" in rejects[0].error


@pytest.mark.parametrize("line", ['{"id": NaN}', "[" * 100_000, '{"id": "\\ud800"}'])
def test_json_that_python_reads_and_nobody_else_is_refused(line: str) -> None:
    size, rejects = parse(json.dumps(incident()) + "\n" + line)
    assert (size, [reject.line for reject in rejects]) == (1, [2])


def test_page_with_a_bad_time_is_read_and_nothing_taken_as_vanished() -> None:
    broken = poll(60, incident())
    broken["page"]["updated_at"] = "2026-03-02T10:00:00"
    parsed = IMPORTER.parse(document(broken))
    assert not parsed.records[0].is_whole
    assert "page.updated_at" in parsed.remarks[0]
