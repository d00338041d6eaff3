"""Generated usage exports in the shapes of the vendors' APIs: invented, seeded, same arguments same bytes.

Ten people and their services use Anthropic (API and Claude Code) and Cursor for `days` days, less at weekends and a
little more every week. Everything agrees with itself: the cost report is the usage report times a price list, and what
Claude Code used on an API key is in the usage report too. What is planted, all on `end_day`, the last day:

    report            table                        what                                        a rule fails for
    claude_code       stg_anthropic__claude_code   actors without their e-mail                 3 of 10 people, 30 %: P1
    anthropic_usage   stg_anthropic__usage         results without `output_tokens`             2 of 16 results, 12 %: P2
    anthropic_cost    stg_anthropic__costs         nothing                                     clean
    cursor_events     stg_cursor__events           no event after 15:25 UTC two days before    late pipeline
    cursor_daily      stg_cursor__daily            nothing                                     clean

Judge them in the morning after `end_day` (07:00 to 11:00 UTC): by then a day's record is less than 36 hours old.
"""

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

Record = dict[str, Any]

PEOPLE = ("ann", "ben", "cleo", "dan", "eva", "finn", "gia", "hugo", "iris", "jon")
SEATED = frozenset(PEOPLE[:4])  # Claude Code under a subscription; the others on an API key
CURSOR_PEOPLE = PEOPLE[2:]
SERVICES = tuple(f"apikey_demo_{name}" for name in ("search", "tagging", "support", "reports", "etl", "labels", "chat"))
CLAUDE_CODE_KEY = "apikey_demo_claude_code"
ORGANIZATION = "0de60000-0000-4000-8000-000000000001"
# US dollars for a million tokens: uncached input, cache creation, cache read, output.
PRICES: Mapping[str, tuple[str, str, str, str]] = {
    "claude-opus-4-8": ("5", "6.25", "0.5", "25"),
    "claude-sonnet-5": ("3", "3.75", "0.3", "15"),
}
KINDS = (
    "uncached_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)
_BUCKETS_A_PAGE, _EVENTS_A_PAGE, _DAYS_A_CALL = 31, 500, 30  # as the APIs give them


@dataclass(frozen=True, kw_only=True)
class FaultRates:
    """What is planted: shares of the last day's records, and by how many days Cursor's events are late."""

    claude_code_without_email: float = 0.30
    usage_without_output: float = 0.10
    cursor_days_late: int = 2


def generate(
    folder: Path, *, seed: int, end_day: date, days: int = 90, rates: FaultRates | None = None
) -> dict[str, list[Path]]:
    """Write one folder a report and return its files, by the name that `load usage --source` takes.

    Load all files of a report in one command: they are the pages of one export.
    """
    rates = rates or FaultRates()
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    dates = [end_day - timedelta(days=back) for back in reversed(range(days))]
    code = {day: _code_records(chance, day, dates[0]) for day in dates}
    usage = {day: _usage_results(chance, day, dates[0], code[day]) for day in dates}
    costs = {day: list(_cost_results(usage[day])) for day in dates}
    events = list(_events(chance, dates, end_day, rates))
    daily = [record for day in dates for record in _cursor_days(chance, day, dates[0])]
    _plant(chance, usage[end_day], code[end_day], rates)
    return {
        "anthropic_usage": _pages(folder / "anthropic_usage", [_bucket(day, usage[day]) for day in dates]),
        "anthropic_cost": _pages(folder / "anthropic_cost", [_bucket(day, costs[day]) for day in dates]),
        "claude_code": [_lines(folder / "claude_code", [_page(code[day]) for day in dates])],
        "cursor_events": [_lines(folder / "cursor_events", _event_pages(events, dates))],
        "cursor_daily": [_lines(folder / "cursor_daily", _daily_calls(daily, dates))],
    }


def _activity(chance: random.Random, day: date, first: date) -> float:
    """How much is done that day: a fifth at weekends, 1 % more every week, and some chance."""
    base = 0.2 if day.weekday() >= 5 else 1.0
    growth: float = 1.01 ** ((day - first).days / 7)
    return base * growth * chance.uniform(0.8, 1.2)


def _tokens(chance: random.Random, scale: float) -> list[int]:
    """Counts in the order of `KINDS`."""
    return [int(scale * chance.uniform(low, high)) for low, high in ((20, 60), (5, 20), (40, 160), (8, 25))]


def _code_records(chance: random.Random, day: date, first: date) -> list[Record]:
    """Claude Code: a record a person and day, both models in each."""
    activity = _activity(chance, day, first)
    return [_code_record(chance, day, person, activity * 1000) for person in PEOPLE]


def _code_record(chance: random.Random, day: date, person: str, scale: float) -> Record:
    breakdown = []
    for model, share in (("claude-opus-4-8", 0.4), ("claude-sonnet-5", 1.0)):
        fresh, created, read, output = counts = _tokens(chance, scale * share)
        cents = sum(count * Decimal(price) for count, price in zip(counts, PRICES[model], strict=True)) / 10_000
        breakdown.append(
            {
                "model": model,
                "tokens": {"input": fresh, "cache_creation": created, "cache_read": read, "output": output},
                "estimated_cost": {"amount": round(cents), "currency": "USD"},
            }
        )
    seated = person in SEATED
    return {
        "date": f"{day}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": f"{person}@example.com"},
        "organization_id": ORGANIZATION,
        "customer_type": "subscription" if seated else "api",
        "subscription_type": "team" if seated else None,
        "terminal_type": chance.choice(("vscode", "iTerm.app", "tmux")),
        "is_remote": False,
        "core_metrics": {"num_sessions": chance.randint(1, 9), "commits_by_claude_code": chance.randint(0, 5)},
        "model_breakdown": breakdown,
    }


def _usage_results(chance: random.Random, day: date, first: date, code: Sequence[Record]) -> list[Record]:
    """The usage report grouped by key and model: services, and the key that Claude Code uses."""
    activity = _activity(chance, day, first)
    results = []
    for model in PRICES:
        for key in SERVICES:
            results.append(_usage_result(key, model, _tokens(chance, activity * chance.uniform(500, 4000))))
        billed = [
            entry["tokens"]
            for record in code
            if record["customer_type"] == "api"
            for entry in record["model_breakdown"]
            if entry["model"] == model
        ]
        counts = [sum(entry[kind] for entry in billed) for kind in ("input", "cache_creation", "cache_read", "output")]
        results.append(_usage_result(CLAUDE_CODE_KEY, model, counts))
    return results


def _usage_result(key: str, model: str, counts: Sequence[int]) -> Record:
    fresh, created, read, output = counts
    return {
        "account_id": None,
        "api_key_id": key,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": created},
        "cache_read_input_tokens": read,
        "context_window": None,
        "inference_geo": None,
        "model": model,
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": 0},
        "service_account_id": None,
        "service_tier": None,
        "uncached_input_tokens": fresh,
        "workspace_id": None,
    }


def _cost_results(usage: Iterable[Record]) -> Iterator[Record]:
    """The cost report grouped by description: a line a model and kind of token, in cents, exact."""
    totals: dict[tuple[str, str], Decimal] = {}
    for result in usage:
        counts = (
            result["uncached_input_tokens"],
            result["cache_creation"]["ephemeral_5m_input_tokens"],
            result["cache_read_input_tokens"],
            result["output_tokens"],
        )
        for kind, count, price in zip(KINDS, counts, PRICES[result["model"]], strict=True):
            line = (result["model"], kind)
            totals[line] = totals.get(line, Decimal(0)) + count * Decimal(price) / 10_000
    for (model, kind), cents in totals.items():
        yield {
            "amount": f"{cents:f}",
            "context_window": None,
            "cost_type": "tokens",
            "currency": "USD",
            "description": f"{model} usage, {kind.split('.')[0].replace('_', ' ')}",
            "inference_geo": None,
            "model": model,
            "service_tier": "standard",
            "token_type": kind,
            "workspace_id": None,
        }


def _events(chance: random.Random, dates: Sequence[date], end_day: date, rates: FaultRates) -> Iterator[Record]:
    """Cursor's events in order, until 15:25 UTC of the last day that was exported."""
    last = datetime.combine(end_day - timedelta(days=rates.cursor_days_late), time(15, 25), tzinfo=UTC)
    for day in dates:
        activity = _activity(chance, day, dates[0])
        found = []
        for person in CURSOR_PEOPLE:
            for _ in range(round(activity * chance.uniform(2, 9))):
                at = datetime.combine(day, time(8), tzinfo=UTC) + timedelta(seconds=chance.uniform(0, 8 * 3600))
                found.append((at, person))
        for at, person in sorted(found):
            event = _event(chance, at, person)
            if at <= last or not rates.cursor_days_late:
                yield event


def _event(chance: random.Random, at: datetime, person: str) -> Record:
    event: Record = {
        "timestamp": str(int(at.timestamp() * 1000)),
        "model": chance.choice(("claude-4-sonnet-thinking", "gpt-5", "claude-4-opus")),
        "kind": "Usage-based",
        "maxMode": False,
        "requestsCosts": 1,
        "isTokenBasedCall": chance.random() < 0.9,
        "cursorTokenFee": 0,
        "isFreeBugbot": False,
        "userEmail": f"{person}@example.com",
    }
    if event["isTokenBasedCall"]:
        fresh, created, read, output = _tokens(chance, chance.uniform(5, 60))
        event["tokenUsage"] = {
            "inputTokens": fresh,
            "outputTokens": output,
            "cacheWriteTokens": created,
            "cacheReadTokens": read,
            "totalCents": round((3 * fresh + 3.75 * created + 0.3 * read + 15 * output) / 10_000, 5),
        }
        event["cursorTokenFee"] = round(chance.uniform(0.1, 1.5), 2)
    else:
        event["kind"] = "Included in Business"
    return event


def _cursor_days(chance: random.Random, day: date, first: date) -> Iterator[Record]:
    """Cursor's daily record of each of its users."""
    activity = _activity(chance, day, first)
    for person in CURSOR_PEOPLE:
        added = int(activity * chance.uniform(50, 900))
        yield {
            "date": int(datetime.combine(day, time(), tzinfo=UTC).timestamp() * 1000),
            "email": f"{person}@example.com",
            "isActive": True,
            "totalLinesAdded": added,
            "acceptedLinesAdded": int(added * chance.uniform(0.3, 0.9)),
            "composerRequests": int(activity * chance.uniform(1, 9)),
            "chatRequests": int(activity * chance.uniform(1, 9)),
            "agentRequests": int(activity * chance.uniform(0, 5)),
            "cmdkUsages": 0,
            "bugbotUsages": 0,
            "subscriptionIncludedReqs": int(activity * chance.uniform(1, 9)),
            "apiKeyReqs": 0,
            "usageBasedReqs": int(activity * chance.uniform(0, 9)),
            "mostUsedModel": "gpt-5",
            "clientVersion": "1.7.0",
        }


def _plant(chance: random.Random, usage: Sequence[Record], code: Sequence[Record], rates: FaultRates) -> None:
    """Break the last day's records, after everything that agrees with them was made."""
    for record in chance.sample(code, round(len(code) * rates.claude_code_without_email)):
        record["actor"] = {"type": "user_actor"}
    for result in chance.sample(usage, round(len(usage) * rates.usage_without_output)):
        del result["output_tokens"]


def _bucket(day: date, results: list[Record]) -> Record:
    end = day + timedelta(days=1)
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{end}T00:00:00Z", "results": results}


def _page(records: list[Record], *, has_more: bool = False, number: int = 1) -> Record:
    return {"data": records, "has_more": has_more, "next_page": f"page_{number + 1}" if has_more else None}


def _pages(folder: Path, buckets: Sequence[Record]) -> list[Path]:
    """One file a page, as the API gives them."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    starts = range(0, len(buckets), _BUCKETS_A_PAGE)
    for number, start in enumerate(starts, start=1):
        members = list(buckets[start : start + _BUCKETS_A_PAGE])
        path = folder / f"page_{number}.json"
        page = _page(members, has_more=number < len(starts), number=number)
        path.write_text(json.dumps(page, indent=1) + "\n", encoding="utf-8")
        files.append(path)
    return files


def _lines(folder: Path, answers: Iterable[Record]) -> Path:
    """One file, an answer a line."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(answer) + "\n" for answer in answers), encoding="utf-8")
    return path


def _event_pages(events: Sequence[Record], dates: Sequence[date]) -> Iterator[Record]:
    for period, members in _calls(events, dates, lambda event: int(event["timestamp"])):
        parts = [members[start : start + _EVENTS_A_PAGE] for start in range(0, len(members), _EVENTS_A_PAGE)] or [[]]
        for number, part in enumerate(parts, start=1):
            yield {
                "totalUsageEventsCount": len(members),
                "pagination": {
                    "numPages": len(parts),
                    "currentPage": number,
                    "pageSize": _EVENTS_A_PAGE,
                    "hasNextPage": number < len(parts),
                    "hasPreviousPage": number > 1,
                },
                "usageEvents": part,
                "period": period,
            }


def _daily_calls(records: Sequence[Record], dates: Sequence[date]) -> Iterator[Record]:
    for period, members in _calls(records, dates, lambda record: int(record["date"])):
        yield {"data": members, "period": period}


def _calls(records: Sequence[Record], dates: Sequence[date], at: Any) -> Iterator[tuple[Record, list[Record]]]:
    """Thirty days a call, which is all that Cursor gives."""
    for start in range(0, len(dates), _DAYS_A_CALL):
        members = dates[start : start + _DAYS_A_CALL]
        first, end = (
            int(datetime.combine(day, time(), tzinfo=UTC).timestamp() * 1000)
            for day in (members[0], members[-1] + timedelta(days=1))
        )
        yield {"startDate": first, "endDate": end}, [record for record in records if first <= at(record) < end]
