"""Ids say the same whoever computes them."""

from datetime import datetime, timedelta, timezone

import pytest

from incident_ledger.encoding import canonical, timestamp
from incident_ledger.ledger.events import incident_id
from ledger.factories import T0, event


def test_equal_events_have_equal_ids_whatever_the_order_of_their_payload_and_their_zone() -> None:
    one, two = event(text="x", update_id="u"), event(update_id="u", text="x")
    elsewhere = T0.astimezone(timezone(timedelta(hours=-8)))
    assert one.event_id == two.event_id
    assert timestamp(T0) == timestamp(elsewhere) == "2026-03-02T09:00:00.000000Z"


def test_payload_is_part_of_the_id_and_actor_is_not() -> None:
    assert event(text="x").event_id != event(text="y").event_id
    assert event(minutes=1).event_id != event(minutes=2).event_id
    assert event("acknowledged").event_id != event("note").event_id


def test_incident_id_is_readable_sortable_and_derived() -> None:
    assert incident_id("statuspage", "abc", T0).startswith("INC-20260302T090000Z-")
    assert incident_id("statuspage", "abc", T0) == incident_id("statuspage", "abc", T0)
    assert incident_id("statuspage", "abc", T0) != incident_id("quality", "abc", T0)
    # Length-delimited: the border between source and key cannot be moved.
    assert incident_id("a", "bc", T0) != incident_id("ab", "c", T0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        timestamp(datetime(2026, 3, 2, 9, 0))  # noqa: DTZ001


def test_not_a_number_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"n": float("nan")})
