"""The order of messages and which are sent together."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.ledger.events import incident_id
from incident_ledger.notify.batches import batches
from incident_ledger.notify.messages import first_message_id
from incident_ledger.notify.undelivered import Undelivered
from notify.helpers import START

RANKS = {"P0": 0, "P1": 1, "P2": 2, "P3": 3}


def owed(
    key: str,
    severity: str | None = "P1",
    *,
    of: str = "",
    channel: str = "mail",
    minute: int = 0,
    status: str = "pending",
) -> Undelivered:
    """A message `key` of the incident `of`; its first message without that."""
    incident = incident_id("test", of or key, START)
    return Undelivered(
        message_id=key if of else first_message_id(incident),
        channel=channel,
        incident_id=incident,
        template="initial",
        severity_level=severity,
        created_at=START + timedelta(minutes=minute),
        status=status,
        attempts=0,
        uncertain_attempts=0,
    )


def levels(found: Sequence[Sequence[Undelivered]]) -> list[list[str | None]]:
    return [[row.severity_level for row in batch] for batch in found]


def test_the_worst_severity_goes_first_and_alone_and_the_rest_in_batches() -> None:
    rows = [owed(f"k{n}", "P2") for n in range(4)] + [owed("worst", "P0", minute=9), owed("late", "P1", minute=8)]
    assert levels(batches(rows, RANKS, 3)) == [["P0"], ["P1", "P2", "P2"], ["P2", "P2"]]


def test_severities_are_ordered_by_rank_and_not_by_their_text() -> None:
    rows = [owed("a", "A"), owed("z", "Z"), owed("m", "M")]
    assert levels(batches(rows, {"Z": 0, "A": 1, "M": 2}, 10)) == [["Z"], ["A", "M"]]


def test_a_severity_that_is_not_known_goes_last() -> None:
    assert levels(batches([owed("a", None), owed("b", "P3")], RANKS, 10)) == [["P3"], [None]]


def test_a_beginning_goes_before_the_rise_of_its_own_incident() -> None:
    rows = [owed("rise", "P0", of="k", minute=5), owed("other", "P1"), owed("k", "P2")]
    assert levels(batches(rows, RANKS, 10)) == [["P2", "P0"], ["P1"]]


def test_what_may_have_been_sent_is_alone_of_its_channel_in_its_batch() -> None:
    rows = [owed(f"k{n}", channel=channel, status="uncertain") for n in range(2) for channel in ("hook", "mail")]
    rows.append(owed("new", channel="mail", minute=1))
    found = batches(rows, RANKS, 10)
    assert [[row.channel for row in batch] for batch in found] == [["hook", "mail"], ["hook", "mail"], ["mail"]]


@given(
    st.lists(
        st.tuples(st.sampled_from([*RANKS, None]), st.sampled_from(["pending", "failed", "uncertain"])), max_size=40
    ),
    st.integers(1, 12),
)
def test_every_message_is_in_one_batch_of_at_most_that_size(drawn: list[tuple[str | None, str]], size: int) -> None:
    rows = [owed(f"k{n}", level, status=status) for n, (level, status) in enumerate(drawn)]
    found = batches(rows, RANKS, size)
    assert all(0 < len(batch) <= size for batch in found)
    assert sorted(row.key for batch in found for row in batch) == sorted(row.key for row in rows)
    order = [RANKS.get(level or "", 9) for batch in levels(found) for level in batch]
    assert order == sorted(order)
