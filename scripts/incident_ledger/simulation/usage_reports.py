"""Anthropic's usage and cost reports of seven weeks, invented: a report is a list of days, each with its results."""

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Bucket = dict[str, Any]

_DAYS = 50
_KEYS = tuple(f"apikey_simulated_{number:02}" for number in range(32))
# By model US dollars for a million tokens: uncached input, cache creation, cache read, output.
_PRICES = {"claude-opus-4-8": ("5", "6.25", "0.5", "25"), "claude-sonnet-5": ("3", "3.75", "0.3", "15")}
_GROWTH_A_WEEK = 1.03
_SATURDAY = 5


def usage_report(chance: random.Random, last_day: date) -> list[Bucket]:
    """Tokens by key and model: less at weekends, more at the end of a month, 3 % more each week."""
    days = [last_day - timedelta(days=back) for back in reversed(range(_DAYS))]
    return [bucket(day, results_of(chance, day, place / 7)) for place, day in enumerate(days)]


def cost_report(
    usage: Sequence[Bucket], price_factor: Callable[[date], Decimal] = lambda _: Decimal(1)
) -> list[Bucket]:
    """What the tokens cost, a line a model: exact, in cents, at that many times the prices."""
    days = [date.fromisoformat(each["starting_at"][:10]) for each in usage]
    return [bucket(day, _costs(each["results"], price_factor(day))) for day, each in zip(days, usage, strict=True)]


def without_output(report_day: Bucket, results: int) -> Bucket:
    """A day of the usage report of whose 64 results so many do not say how many tokens were written."""
    kept = [
        result | ({"output_tokens": None} if place < results else {})
        for place, result in enumerate(report_day["results"])
    ]
    return report_day | {"results": kept}


def reduced(report_day: Bucket, percent: int) -> Bucket:
    """A day of the cost report with so many percent of its costs."""
    results = [
        result | {"amount": f"{Decimal(result['amount']) * percent / 100:f}"} for result in report_day["results"]
    ]
    return report_day | {"results": results}


def results_of(chance: random.Random, day: date, weeks: float, *, share: float = 1.0) -> list[dict[str, Any]]:
    """A day's results after so many weeks of growth; `share` of what is usual on such a day."""
    scale = _GROWTH_A_WEEK**weeks * chance.uniform(0.9, 1.1) * 40_000 * share
    if day.weekday() >= _SATURDAY:
        scale *= 0.3
    if (day + timedelta(days=1)).day == 1:  # the month is closed
        scale *= 1.2
    return [_result(chance, key, model, scale) for model in _PRICES for key in _KEYS]


def _result(chance: random.Random, key: str, model: str, scale: float) -> dict[str, Any]:
    fresh, created, read, output = (int(scale * share * chance.uniform(0.9, 1.1)) for share in (4, 1, 10, 2))
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


def _costs(results: Sequence[dict[str, Any]], price_factor: Decimal) -> list[dict[str, Any]]:
    cents = dict.fromkeys(_PRICES, Decimal(0))
    for each in results:
        counts = (
            each["uncached_input_tokens"],
            each["cache_creation"]["ephemeral_5m_input_tokens"],
            each["cache_read_input_tokens"],
            each["output_tokens"],
        )
        prices = map(Decimal, _PRICES[each["model"]])
        cents[each["model"]] += sum(count * price for count, price in zip(counts, prices, strict=True)) / 10_000
    return [
        {
            "amount": f"{amount * price_factor:f}",
            "context_window": None,
            "cost_type": "tokens",
            "currency": "USD",
            "description": f"{model} usage",
            "inference_geo": None,
            "model": model,
            "service_tier": "standard",
            "token_type": None,
            "workspace_id": None,
        }
        for model, amount in cents.items()
    ]


def bucket(day: date, results: list[dict[str, Any]]) -> Bucket:
    """A day of a report."""
    end = day + timedelta(days=1)
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{end}T00:00:00Z", "results": results}
