"""A message of each kind about an incident that never was: to look at, and to try templates on. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.ledger.events import CLOCK_EVENTS, PLANNER, Event, EventType, incident_id
from incident_ledger.ledger.reducer import replay
from incident_ledger.notify.fields import message_fields, with_event
from incident_ledger.notify.messages import Message, compose, template_fields
from incident_ledger.notify.outbox import new_rows
from incident_ledger.notify.rendering import BUILT_IN, Templates
from incident_ledger.policy import Policy

_TITLE = "Sample: 21.85 % of ai_usage_prod.fct_usage_daily break output_tokens_not_null"
_COMPONENT = "table:ai_usage_prod.fct_usage_daily"
_EVIDENCE = {
    "suite": "fct_usage_daily",
    "day": "2026-03-04",
    "owner": "engineering_on_call",
    "breaches": [
        {
            "rule_id": "output_tokens_not_null",
            "rule": "output_tokens is not null",
            "what": "output_tokens is missing",
            "failed": 5,
            "examined": 16,
            "severity": "P1",
            "query": "select * from ai_usage_prod.fct_usage_daily where output_tokens is null",
        }
    ],
}


def sample_messages(
    policy: Policy, severity_level: str, now: datetime, templates: Templates = BUILT_IN
) -> list[Message]:
    """Of each template that the policy names for this severity its message, as they follow each other."""
    found: dict[str, Message] = {}
    for before, event, clocks in _life(severity_level, now):
        state = replay([*before, event], {})
        if state is not None:
            at = event.occurred_at  # as if it was sent at once
            for message in compose(event, state, policy, at, history=before, clocks=clocks, templates=templates):
                found.setdefault(message.template, message)
    return list(found.values())


def sample_fields(policy: Policy, severity_level: str, now: datetime) -> Iterator[dict[str, Any]]:
    """What templates are given for these messages."""
    for before, event, clocks in _life(severity_level, now):
        state = replay([*before, event], {})
        if state is not None:
            fields = message_fields(event, with_event(state, event), policy, event.occurred_at, before, clocks=clocks)
            yield template_fields(fields, "[INCIDENT] Sample")


def sample_digest(policy: Policy, severity_level: str, now: datetime) -> list[dict[str, Any]]:
    """Rows of the outbox that a digest is of: a message of each template, of two incidents."""
    messages = sample_messages(policy, severity_level, now)
    rows = new_rows(messages, ["sample"], {}, policy, now)
    return [*rows, *(row | {"incident_id": incident_id("sample", "another", now)} for row in rows)]


def _life(severity_level: str, now: datetime) -> Iterator[tuple[list[Event], Event, tuple[Event, ...]]]:
    """Events, each with those before it, and those of clocks that its message is of."""
    history: list[Event] = []
    detected_at = now - timedelta(days=2)
    for kind, minutes, actor, payload in _STEPS:
        event = Event(
            incident_id=incident_id("sample", "sample", detected_at),
            event_type=kind,
            occurred_at=detected_at + timedelta(minutes=minutes),
            actor=actor,
            source="quality",
            source_key=_COMPONENT,
            severity_level=severity_level if kind is EventType.DETECTED else None,
            payload=payload | ({"severity_level": severity_level} if kind is EventType.ESCALATED else {}),
        )
        yield list(history), event, (event,) if kind in CLOCK_EVENTS else ()
        history.append(event)


_STEPS: tuple[tuple[EventType, int, str, dict[str, Any]], ...] = (
    (
        EventType.DETECTED,
        0,
        PLANNER,
        {"title": _TITLE, "components": [_COMPONENT], "description": "A sample.", "evidence": _EVIDENCE},
    ),
    (
        EventType.ESCALATED,
        15,
        PLANNER,
        {"step_id": "response_overdue", "text": "Nobody acknowledged it within the response time"},
    ),
    (EventType.ACKNOWLEDGED, 20, "ada", {"text": "Looking."}),
    (EventType.IMPACT_ASSESSED, 22, "ada", {"user_impact": "12 analysts", "financial_impact": "$1,200 a day"}),
    (EventType.ACTION_TAKEN, 25, "ada", {"text": "The export is loaded again", "notify": True}),
    (
        EventType.ESCALATED,
        30,
        PLANNER,
        {"step_id": "war_room_activation", "text": "War room activation (P0)"},
    ),
    (EventType.UPDATE_DUE, 55, PLANNER, {"last_update": "2026-03-04T09:25:00Z", "number": 1}),
    (EventType.ROOT_CAUSE_IDENTIFIED, 58, "ada", {"category": "upstream", "text": "The export was cut."}),
    (EventType.RESOLVED, 60, "ada", {"solution": "Loaded the day again.", "verification": "0 of 16 records."}),
    (
        EventType.REVIEW_DUE,
        60 + 20 * 60,
        PLANNER,
        {"step_id": "immediate_due", "text": "Immediate Actions (Within 24 Hours): due"},
    ),
    (EventType.REVIEW_DUE, 60 + 22 * 60, PLANNER, {"step_id": "weekly_due", "text": "Weekly review: due"}),
)
