"""Many messages at once become one a channel and audience, the worst first: nobody reads a hundred mails. Pure.

The messages that a digest stands for are rows of the outbox of their own, `digested`: their events are notified of, and
none of them is sent by itself. The worst severity is, as long as its messages are few enough themselves.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from incident_ledger.encoding import canonical
from incident_ledger.notify.followers import ACKNOWLEDGEMENT
from incident_ledger.notify.messages import NAMESPACE
from incident_ledger.notify.rendering import DIGEST, Templates
from incident_ledger.policy import Policy

DIGESTED = "digested"
AT_ONCE, QUIET_HOURS = "were due at once", "waited for the end of quiet hours"
_END = "resolution"
_SUBJECTS = {
    AT_ONCE: "{messages} messages of {incidents} incidents at once",
    QUIET_HOURS: "After quiet hours: {messages} messages of {incidents} incidents",
}
_LINES = 200  # a page that can still be read; the command lists all

Row = dict[str, Any]


def with_digests(
    rows: Sequence[Row], policy: Policy, now: datetime, templates: Templates, *, alerts: Collection[str] = ()
) -> list[Row]:
    """The new rows of the outbox, with one digest in place of those of a channel that are more than the policy allows.

    `digest_messages` is how many of one channel are sent one by one. `alerts` are channels with an alert an incident:
    what acknowledges or ends one is sent to them in any case.
    """
    limit = int(policy.limit("digest_messages", now))
    ranks = {severity.severity_level: severity.severity_rank for severity in policy.severities}
    channels: dict[str, list[Row]] = defaultdict(list)
    found: list[Row] = []
    for row in rows:
        (found if is_single(row["template"], row["channel"], alerts) else channels[row["channel"]]).append(row)
    for of_channel in channels.values():
        ordered = sorted(of_channel, key=lambda row: (ranks[row["severity_level"]], row["incident_id"]))
        alone = _sent_alone(ordered, ranks, limit)
        found += ordered[:alone]
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in ordered[alone:]:
            groups[row["recipients"]].append(row)
        for members in groups.values():
            found += _digest(members, templates) if len(members) > 1 else members
    return found


def is_single(template: str, channel: str, alerts: Collection[str]) -> bool:
    """Whether a message is in no digest: the alert of its incident would stay open."""
    return channel in alerts and template in (ACKNOWLEDGEMENT, _END)


def digest_fields(members: Sequence[Row], occasion: str = AT_ONCE) -> dict[str, Any]:
    """What the template of a digest may name."""
    counts: dict[str, int] = defaultdict(int)
    for row in members:
        counts[row["severity_level"]] += 1
    incidents, worst = len({row["incident_id"] for row in members}), members[0]["severity_level"]
    return {
        "occasion": occasion,
        "messages": len(members),
        "incidents": incidents,
        "counts": ", ".join(f"{count} {level}" for level, count in counts.items()),
        "lines": tuple((row["severity_level"], row["incident_id"], _title(row)) for row in members[:_LINES]),
        "more": max(len(members) - _LINES, 0),
        "answer": (),  # of the page that all templates share
        "first_steps": (),
        "known": (),
        "about": "",
        "look": "All that is open: incident-ledger incident list",
        "subject": f"[INCIDENT-{worst}] {_SUBJECTS[occasion].format(messages=len(members), incidents=incidents)}",
    }


def _sent_alone(ordered: Sequence[Row], ranks: Mapping[str, int], limit: int) -> int:
    """How many of these, the worst first, are sent one by one."""
    if len(ordered) <= limit:
        return len(ordered)
    worst = sum(ranks[row["severity_level"]] == min(ranks.values()) for row in ordered)
    return worst if worst <= limit else 0


def digest_row(members: Sequence[Row], templates: Templates, *, occasion: str = AT_ONCE) -> Row:
    """The row of the digest of these, the worst first."""
    fields = digest_fields(members, occasion)
    ids = sorted(row["message_id"] for row in members)
    return members[0] | {
        "message_id": str(uuid.uuid5(NAMESPACE, canonical([DIGEST, *ids]))),
        "template": DIGEST,
        "subject": fields["subject"],
        "body_text": templates.text(DIGEST, fields),
        "body_html": templates.html(DIGEST, fields),
    }


def _digest(members: Sequence[Row], templates: Templates) -> list[Row]:
    digested = (row | {"status": DIGESTED, "body_text": "", "body_html": ""} for row in members)
    return [digest_row(members, templates), *digested]


def _title(row: Row) -> str:
    """The subject without what the line names before it."""
    return str(row["subject"]).removeprefix(f"[INCIDENT-{row['severity_level']}] ")
