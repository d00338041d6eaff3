"""What is retracted, merged and split, and what is refused."""

from typing import Any

import pytest

from incident_ledger.errors import UserError
from incident_ledger.ledger import linking
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.ledger.reducer import replay
from incident_ledger.ledger.state import IncidentState
from ledger.factories import RANKS, T0, after, event, resolved, state

MAIN = "INC-20260302T085500Z-aaaaaaaa"


def context(minutes: float) -> CommandContext:
    return CommandContext(actor="alice", at=after(minutes), now=after(1000))


def main(**known: Any) -> IncidentState:
    return state(**({"incident_id": MAIN, "source_key": "main", "title": "Main"} | known))


def after_events(*events: Event) -> IncidentState:
    found = replay([event("detected"), *events], RANKS)
    assert found is not None
    return found


def test_a_merger_is_one_event_on_each_side() -> None:
    merged = linking.merge(state(), main(), context(5))
    joined = linking.join(main(), context(5), state())
    assert (merged.event_type, merged.incident_id, merged.payload) == (
        EventType.MERGED, state().incident_id, {"into": MAIN},
    )  # fmt: skip
    assert (joined.event_type, joined.incident_id, joined.source_key) == (EventType.JOINED, MAIN, "main")
    assert joined.payload == {"incident_id": state().incident_id, "title": "T"}


@pytest.mark.parametrize(
    ("into", "more", "message"),
    [
        (state(), {}, "cannot be merged into itself"),
        (main(is_retracted=True, is_open=False), {}, "is retracted"),
        (
            main(merged_into="INC-Z"),
            {"end": state(incident_id="INC-Z")},
            r"INC-Z: .*incident merge .* INC-Z",
        ),
        (main(merged_into=state().incident_id), {"end": state()}, "already, and not the other way round"),
        (main(merged_into="INC-Z"), {"end": None}, "leads back to itself"),
        (main(), {"members": [state(incident_id="INC-M")]}, rf"INC-M was merged into .*incident merge {MAIN} INC-2026"),
        (main(detection_time=after(9)), {}, "before INC-.* was detected"),
        (main(), {"history": [event("split", 6)]}, "was split off after that, at 2026-03-02T09:06:00Z"),
    ],
)
def test_what_cannot_be_merged_names_what_can(into: IncidentState, more: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        linking.merge(state(), into, context(5), **more)


@pytest.mark.parametrize("gone", [{"is_retracted": True}, {"merged_into": "INC-Z"}])
def test_what_is_gone_is_not_merged_or_retracted(gone: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="only notes"):
        linking.merge(state(is_open=False, **gone), main(), context(5))
    with pytest.raises(UserError, match="only notes"):
        linking.retract(state(is_open=False, **gone), context(5), "a test")


def test_a_false_alarm_has_a_reason_and_nothing_hangs_on_it() -> None:
    assert linking.retract(resolved(3), context(5), "a test").payload == {"reason": "a test"}
    with pytest.raises(UserError, match="--reason"):
        linking.retract(state(), context(5), " ")
    with pytest.raises(UserError, match="incident split INC-M"):
        linking.retract(state(), context(5), "a test", members=[state(incident_id="INC-M")])


def test_a_retraction_that_was_wrong_is_taken_back_as_if_it_had_never_been() -> None:
    life = [event("acknowledged", 2), event("retracted", 5, reason="a test")]
    retracted = after_events(*life)
    assert (retracted.is_retracted, retracted.is_open) == (True, False)
    (note,) = linking.reinstate(retracted, context(9), "it was none", life)
    assert (note.event_type, note.payload["text"]) == (EventType.NOTE, "it was none")
    again = after_events(*life, note)
    assert (again.is_retracted, again.is_open, again.our_acknowledged_time) == (False, True, after(2))
    assert after_events(*life, event("resolved", 7), note).status is Status.RESOLVED
    once_more = [*life, note, event("retracted", 12, reason="it was")]
    assert after_events(*once_more).is_retracted
    assert len(linking.reinstate(after_events(*once_more), context(15), "no", once_more)) == 1


def test_each_retraction_of_several_is_taken_back() -> None:
    life = [event("retracted", 5, reason="a test"), event("retracted", 5, reason="gone from the page")]
    notes = linking.reinstate(after_events(*life), context(9), "it was none", life)
    assert len(notes) == 2
    assert not after_events(*life, *notes).is_retracted


def test_nothing_is_reinstated_that_is_not_retracted_or_before_it_was() -> None:
    life = [event("retracted", 5, reason="a test")]
    with pytest.raises(UserError, match="is investigating, not retracted"):
        linking.reinstate(state(), context(5), "it was none")
    with pytest.raises(UserError, match="was retracted after that, at 2026-03-02T09:05:00Z"):
        linking.reinstate(after_events(*life), context(4), "it was none", life)
    with pytest.raises(UserError, match="--reason"):
        linking.reinstate(after_events(*life), context(9), " ", life)


def test_a_split_undoes_the_merger_before_it() -> None:
    merged = event("merged", 5, into=MAIN)
    incident = after_events(merged)
    assert (incident.merged_into, incident.is_open) == (MAIN, False)
    split = linking.split(incident, context(9), [merged])
    assert split.payload == {"from": MAIN}
    assert linking.leave(main(), context(9), incident).event_type is EventType.NOTE
    again = after_events(merged, split)
    assert (again.merged_into, again.is_open) == (None, True)
    once_more = after_events(merged, split, event("merged", 12, into="INC-Z"))
    assert once_more.merged_into == "INC-Z"
    over = after_events(merged, event("resolved", 7), split)
    assert (over.merged_into, over.is_open, over.status) == (None, False, Status.RESOLVED)


def test_nothing_is_split_that_is_not_merged_or_before_it_was() -> None:
    with pytest.raises(UserError, match="is investigating, not merged"):
        linking.split(state(), context(5))
    for minute in (5, 4):
        with pytest.raises(UserError, match="was merged after that, at 2026-03-02T09:05:00Z"):
            linking.split(state(merged_into=MAIN), context(minute), [event("merged", 5, into=MAIN)])
    with pytest.raises(UserError, match=r"before INC-.* was detected"):
        linking.split(state(merged_into=MAIN, detection_time=T0), context(-1))
