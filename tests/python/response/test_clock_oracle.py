"""The clocks beside the playbook's tables, read minute by minute: no step twice, none skipped and none early."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from incident_ledger.ledger.events import EventType
from simulated import CONTAINED, MINUTE, START, Ledger, name

RESPONSE = {"P0": 5, "P1": 15, "P2": 60}  # of P3 the next business day
ESCALATION = {"P0": 0, "P1": 30, "P2": 240}
MATRIX = {
    "initial_response": (0, "P0 P1 P2 P3"),
    "technical_investigation": (5, "P0 P1 P2 P3"),
    "management_notification": (15, "P0 P1"),
    "war_room_activation": (30, "P0"),
    "executive_notification": (60, "P0"),
    "external_communication": (120, "P0 P1 P2 P3"),
}
UPDATE, MOST_UPDATES = 30, 8
LENGTH = 400
RANKS = {"P0": 0, "P1": 1, "P2": 2, "P3": 3}

Step = tuple[str, str | None, int]


@dataclass
class Reading:
    """What somebody would write down who looks at the incident each minute with the playbook in hand."""

    severity: str
    is_resolved: bool = False
    is_merged: bool = False
    is_contained: bool = False
    has_war_room: bool = False
    has_commander: bool = False
    answered: int | None = None
    open_minutes: int = 0
    update_from: int = 0
    updates: int = 0
    # Of each severity that held: since when, how long it has been open since, and whether a milder one followed.
    eras: list[tuple[int, str]] = field(default_factory=list)
    era_minutes: list[int] = field(default_factory=list)
    lowered: list[bool] = field(default_factory=list)
    found: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hold(0, self.severity)

    def hold(self, minute: int, severity: str) -> None:
        rank = RANKS[severity]
        self.lowered = [was or rank > RANKS[level] for was, (_, level) in zip(self.lowered, self.eras, strict=True)] + [
            False
        ]
        self.severity = severity
        self.eras.append((minute, severity))
        self.era_minutes.append(0)

    @property
    def is_open(self) -> bool:
        return not self.is_resolved and not self.is_merged

    def write(self, step: str, minute: int, severity: str | None = None) -> None:
        if all((step, severity) != (other, level) for other, level, _ in self.found):
            self.found.append((step, severity, minute))

    def look(self, minute: int) -> None:
        """Note what falls due at this minute."""
        if not self.is_open:
            return
        for step, (after, levels) in MATRIX.items():
            is_due = self.open_minutes >= after and self.severity in levels.split()
            if is_due and not (step == "war_room_activation" and self.has_war_room):
                self.write(step, minute)
        if self.severity == "P0" and self.open_minutes >= 60 and not self.has_war_room:
            self.write("war_room_required", minute)
        if self.severity == "P0" and not self.has_commander:
            self.has_commander = True
            self.write("commander_assigned", minute)
        self.respond(minute)
        self.escalate(minute)
        if minute == self.update_from + UPDATE and self.updates < MOST_UPDATES:
            self.found.append(("update_due", None, minute))
            self.update_from, self.updates = minute, self.updates + 1

    def respond(self, minute: int) -> None:
        until = [
            since + RESPONSE[level]
            for since, level in self.eras
            if level in RESPONSE and (since == 0 or self.answered is None or since <= self.answered)
        ]
        if until and min(until) <= minute and (self.answered is None or self.answered > min(until)):
            self.write("response_overdue", minute)

    def escalate(self, minute: int) -> None:
        due = [
            level
            for (_, level), age, is_lowered in zip(self.eras, self.era_minutes, self.lowered, strict=True)
            if level in ESCALATION
            and age >= ESCALATION[level]
            and not is_lowered
            and not (level == "P1" and self.is_contained)
        ]
        for level in sorted(due, key=RANKS.__getitem__):
            before = [RANKS[other or ""] for step, other, _ in self.found if step == "escalation"]
            if not before or RANKS[level] < min(before):
                self.write("escalation", minute, level)

    def pass_minute(self) -> None:
        if self.is_open:
            self.open_minutes += 1
            self.era_minutes = [minutes + 1 for minutes in self.era_minutes]


def acted(reading: Reading, ledger: Ledger, kind: str, minute: int) -> bool:
    """Let a person do this, in the ledger and on the paper; False where it cannot be done now."""
    word, _, more = kind.partition(" ")
    if word == "split" and reading.is_merged:
        reading.is_merged = False
        ledger.add("split", minute, **{"from": "INC-other"})
    elif word == "reopened" and reading.is_resolved and not reading.is_merged:
        reading.is_resolved, reading.is_contained = False, False
        ledger.add("reopened", minute, text="x")
    elif not reading.is_open:
        return False
    elif word == "merged":
        reading.is_merged = True
        ledger.add("merged", minute, into="INC-other")
    elif word == "resolved":
        reading.is_resolved = True
        reading.answered = minute if reading.answered is None else reading.answered
        ledger.add("resolved", minute, text="x")
    elif word == "severity":
        if more == reading.severity:
            return False
        ledger.add("severity_changed", minute, severity=more, **{"from": reading.severity})
        reading.hold(minute, more)
    elif word == "status":
        reading.is_contained = more == "contained" or (more == "resolving" and reading.is_contained)
        ledger.add("status_changed", minute, **(CONTAINED if more == "contained" else {"status": more}))
    elif word in ("acknowledged", "note", "war_room_opened", "commander_assigned"):
        if word == "acknowledged" and reading.answered is None:
            reading.answered = minute
        reading.has_war_room |= word == "war_room_opened"
        reading.has_commander |= word == "commander_assigned"
        ledger.add(word, minute, text="x", name="Ann")
    else:
        return False
    reading.update_from, reading.updates = minute, 0
    return True


ACTS = st.sampled_from(
    [
        *(f"severity {level}" for level in RANKS),
        *(f"status {status}" for status in ("identified", "resolving", "contained")),
        *("acknowledged", "note", "war_room_opened", "commander_assigned"),
        *("resolved", "reopened", "reopened", "merged", "split", "split"),
    ]
)
LIVES = st.dictionaries(st.integers(1, LENGTH - 1), ACTS, max_size=12)


def clocks_of(ledger: Ledger) -> Iterator[Step]:
    """What the planner wrote, but for what follows the end."""
    for event in ledger.clocks():
        if event.event_type not in (EventType.REVIEW_SCHEDULED, EventType.REVIEW_DUE):
            level = str(event.payload["severity_level"]) if name(event) == "escalation" else None
            yield name(event), level, int((event.occurred_at - START) / MINUTE)


@given(st.sampled_from(list(RANKS)), LIVES)
@settings(max_examples=200, deadline=None)
def test_what_falls_due_is_what_the_playbook_asks_for_minute_by_minute(severity: str, life: dict[int, str]) -> None:
    ledger, reading = Ledger(severity), Reading(severity)
    for minute in range(LENGTH + 1):
        if minute in life:
            acted(reading, ledger, life[minute], minute)
        reading.look(minute)
        if {minute, minute + 1} & {*life, LENGTH}:  # ticks before and after each act, and hours of none between
            ledger.tick(minute)
        reading.pass_minute()
    assert sorted(map(str, clocks_of(ledger))) == sorted(map(str, reading.found))
