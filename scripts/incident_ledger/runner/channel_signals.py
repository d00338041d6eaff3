"""A channel that is set aside is a failure of monitoring: a signal, so that the other channels name it. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from incident_ledger.notify.queries import ChannelFinding
from incident_ledger.policy import MONITORING_FAILURE, Policy
from incident_ledger.response.signals import Signal

SOURCE = "delivery"


def channel_signals(findings: Iterable[ChannelFinding], policy: Policy, now: datetime) -> Iterator[Signal]:
    """Of each channel that was given up for some message: it holds until the channel takes a later one.

    What was set aside before the policy's notification window begins nothing: nobody misses it any more.
    """
    for finding in findings:
        since, until = finding.set_aside_since, finding.set_aside_until
        if since is None or until is None:
            continue
        sent_at = finding.last_sent_at
        is_over = sent_at is not None and sent_at > until
        if not is_over and not finding.set_aside:
            continue
        yield Signal(
            source=SOURCE,
            source_key=f"channel:{finding.channel}",
            rule_id=MONITORING_FAILURE,
            component=f"channel:{finding.channel}",
            severity_level=policy.monitoring_failure(now),
            title=f"The channel {finding.channel} takes no messages: some were set aside after all attempts",
            started_at=since,
            observed_at=sent_at if is_over and sent_at else until,
            ended_at=sent_at if is_over else None,
            evidence={"errors": [finding.last_error or "it gave no reason"]},
        )
