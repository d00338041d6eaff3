"""The six reports: where a response keeps its records, what each must have, and what identifies it.

Shapes: Anthropic's Admin API (`usage_report/messages`, `cost_report`, `usage_report/claude_code`, and their successors
`analytics/usage` and `analytics/cost`, which are accepted by the same names) and Cursor's Admin API
(`filtered-usage-events`, `daily-usage-data`, `spend`).

In a key null is a value like any other. What a vendor corrects later (cost, a day's tokens, its activity) is no part
of it. A bucket is one record with all its results, since the APIs never split one over pages: the newest export of a
bucket replaces the older one whole, so that a result that is gone, or grouped otherwise, is not counted beside it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from incident_ledger.importers.usage.field_checks import (
    Check,
    epoch,
    flag,
    money,
    one_day,
    parse_time,
    some_money,
    text,
    tokens_by_lifetime,
    usd,
    whole,
    written_time,
)

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One source of `load usage`.

    `day` gives the UTC day of usage and `key` what identifies a record; both raise `ValueError` with a text that begins
    with the field's name. `context` names fields of the response that a record needs with it. A record without any of
    `measured_by`, or with one of `foreign`, is of another report: it would read as nothing but nulls.

    Where `named_by` names the user of a record, one without any of these names is retracted when a newer export of its
    day does not hold it any more: with its name it has another key. `export_of` is whose export that must be.
    """

    name: str
    container: str
    marks: tuple[str, ...]
    measured_by: tuple[str, ...]
    checks: Mapping[str, Check]
    day: Callable[[Record], date]
    key: Callable[[Record], list[Any]]
    context: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    has_results: bool = False
    named_by: tuple[str, ...] = ()
    export_of: str = "organization_id"
    measures: frozenset[str] = field(default_factory=frozenset)

    def has_own(self, body: Record) -> bool:
        """Whether any record of a response, or any result of its buckets, is one of this report."""
        members = body.get(self.container)
        records = [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []
        if self.has_results:
            lists = [results for record in records if isinstance(results := record.get("results"), list)]
            records = [result for results in lists for result in results]
        return any(map(self.is_own, records))

    def is_own(self, record: Any) -> bool:
        """Whether a record, or a bucket's result, is one of this report by its fields."""
        names = record if isinstance(record, dict) else {}
        return any(name in names for name in self.measured_by) and not any(name in names for name in self.foreign)


def _bucket_day(bucket: Record) -> date:
    for name in ("starting_at", "ending_at"):
        if problem := written_time(bucket.get(name)):
            raise ValueError(f"{name} {problem}")
    start, end = (_named(bucket, name) for name in ("starting_at", "ending_at"))
    try:
        return one_day(start, end)
    except ValueError as error:
        raise ValueError(f"ending_at {error}") from None


def _bucket_key(bucket: Record) -> list[Any]:
    times = [_named(bucket, name).isoformat() for name in ("starting_at", "ending_at")]
    return [bucket.get("organization_id"), *times]


def _claude_code_day(record: Record) -> date:
    return _named(record, "date" if record.get("date") is not None else "starting_at").date()


def _claude_code_key(record: Record) -> list[Any]:
    actor = record.get("actor") or {}
    who = [actor.get(name) for name in ("type", "email_address", "api_key_name")]
    where = [record.get(n) for n in ("customer_type", "subscription_type", "is_remote", "terminal_type")]
    return [record.get("organization_id"), _claude_code_day(record).isoformat(), *who, *where]


def _event_key(event: Record) -> list[Any]:
    usage = event.get("tokenUsage") or {}
    counts = [usage.get(n) for n in ("inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens")]
    return [_named(event, "timestamp").isoformat(), event.get("userEmail"), event.get("model"), *counts]


def _member_key(member: Record) -> list[Any]:
    cycle = _named(member, "subscriptionCycleStart").isoformat()
    return [cycle, member.get("email") or member.get("userId") or member.get("name")]


def _named(record: Record, name: str) -> datetime:
    try:
        return parse_time(record.get(name))
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _texts(*names: str) -> dict[str, Check]:
    return dict.fromkeys(names, text)


def _counts(*names: str) -> dict[str, Check]:
    return dict.fromkeys(names, whole)


_DIMENSIONS = _texts(
    "model", "context_window", "inference_geo", "product", "rbac_group_id", "slack_channel_id", "speed"
)

ANTHROPIC_USAGE = Report(
    name="anthropic_usage",
    container="data",
    marks=("starting_at", "results"),
    context=("organization_id",),
    has_results=True,
    measured_by=("uncached_input_tokens", "cache_read_input_tokens", "cache_creation", "output_tokens", "requests"),
    foreign=("amount",),
    checks={
        **_DIMENSIONS,
        **_texts("account_id", "api_key_id", "service_account_id", "service_tier", "workspace_id"),
        "cache_creation": tokens_by_lifetime,
        **_counts("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "requests"),
        "server_tool_use.web_search_requests": whole,
    },
    measures=frozenset(
        {"cache_creation", "uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "requests"}
        | {"server_tool_use"}
    ),
    day=_bucket_day,
    key=_bucket_key,
)

ANTHROPIC_COST = Report(
    name="anthropic_cost",
    container="data",
    marks=("starting_at", "results"),
    context=("organization_id",),
    has_results=True,
    measured_by=("amount",),
    checks={
        "amount": some_money,
        "currency": usd,
        **_DIMENSIONS,
        **_texts("cost_type", "description", "service_tier", "token_type", "workspace_id"),
        "requests": whole,
    },
    measures=frozenset({"amount", "list_amount", "requests"}),
    day=_bucket_day,
    key=_bucket_key,
)

CLAUDE_CODE = Report(
    name="claude_code",
    container="data",
    marks=("model_breakdown",),
    measured_by=("model_breakdown",),
    checks={
        **_texts("actor.email_address", "actor.api_key_name", "actor.type", "customer_type", "subscription_type"),
        **_texts("terminal_type", "organization_id", "model_breakdown[].model"),
        "is_remote": flag,
        **_counts("core_metrics.num_sessions", "core_metrics.commits_by_claude_code"),
        **_counts("core_metrics.pull_requests_by_claude_code"),
        **_counts(*(f"core_metrics.lines_of_code.{name}" for name in ("added", "removed"))),
        **_counts(*(f"model_breakdown[].tokens.{n}" for n in ("input", "output", "cache_creation", "cache_read"))),
        "model_breakdown[].estimated_cost.amount": money,
        "model_breakdown[].estimated_cost.currency": usd,
    },
    day=_claude_code_day,
    key=_claude_code_key,
    named_by=("actor.email_address", "actor.api_key_name"),
)

CURSOR_EVENTS = Report(
    name="cursor_events",
    container="usageEvents",
    marks=("timestamp", "model"),
    measured_by=("timestamp",),
    checks={
        "timestamp": epoch,
        **_texts("model", "kind", "userEmail"),
        "isTokenBasedCall": flag,
        "isChargeable": flag,
        "requestsCosts": money,  # a number of requests, with decimals
        **_counts(*(f"tokenUsage.{n}" for n in ("inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens"))),
        "tokenUsage.totalCents": money,
        "cursorTokenFee": money,
        "chargedCents": money,
    },
    day=lambda event: _named(event, "timestamp").date(),
    key=_event_key,
)

CURSOR_DAILY = Report(
    name="cursor_daily",
    container="data",
    marks=("date", "composerRequests"),
    measured_by=("composerRequests", "chatRequests", "agentRequests", "isActive"),
    checks={
        **_texts("email", "mostUsedModel", "clientVersion"),
        "isActive": flag,
        **_counts("composerRequests", "chatRequests", "agentRequests", "cmdkUsages", "bugbotUsages"),
        **_counts("subscriptionIncludedReqs", "apiKeyReqs", "usageBasedReqs"),
        **_counts("totalLinesAdded", "totalLinesDeleted", "acceptedLinesAdded", "acceptedLinesDeleted"),
        **_counts("totalApplies", "totalAccepts", "totalRejects", "totalTabsShown", "totalTabsAccepted"),
    },
    day=lambda record: _named(record, "date").date(),
    key=lambda record: [_named(record, "date").date().isoformat(), record.get("email")],
)

CURSOR_SPEND = Report(
    name="cursor_spend",
    container="teamMemberSpend",
    marks=("spendCents",),
    measured_by=("spendCents",),
    context=("subscriptionCycleStart",),
    checks={
        **_texts("email", "name", "role"),
        "spendCents": money,
        "fastPremiumRequests": whole,
        "hardLimitOverrideDollars": money,
    },
    day=lambda member: _named(member, "subscriptionCycleStart").astimezone(UTC).date(),
    key=_member_key,
)

REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (ANTHROPIC_USAGE, ANTHROPIC_COST, CLAUDE_CODE, CURSOR_EVENTS, CURSOR_DAILY, CURSOR_SPEND)
}
