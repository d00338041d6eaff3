"""Answers of the vendors' APIs, as small as a test needs them."""

from datetime import UTC, datetime, timedelta
from typing import Any

ApiResponse = dict[str, Any]


def bucket(day: str, *results: ApiResponse, days: int = 1, **more: Any) -> ApiResponse:
    """A bucket that begins at midnight of a day."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    end = start + timedelta(days=days)
    return {"starting_at": _z(start), "ending_at": _z(end), "results": list(results), **more}


def page(*records: ApiResponse, has_more: bool = False, **more: Any) -> ApiResponse:
    """A page of Anthropic's APIs."""
    return {"data": list(records), "has_more": has_more, "next_page": "page_2" if has_more else None, **more}


def usage(key: str | None = None, model: str | None = "opus", **counts: Any) -> ApiResponse:
    """A result of the usage report."""
    return {
        "api_key_id": key,
        "model": model,
        "uncached_input_tokens": 0,
        "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
        **counts,
    }


def cost(amount: str, model: str | None = "opus", **more: Any) -> ApiResponse:
    """A result of the cost report, in cents."""
    return {"amount": amount, "currency": "USD", "model": model, **more}


def code(day: str, email: str, tokens: int, cents: int, *, model: str = "opus", customer: str = "api") -> ApiResponse:
    """A Claude Code record of one model, all tokens being output."""
    counts = {"input": 0, "cache_creation": 0, "cache_read": 0, "output": tokens}
    return {
        "date": f"{day}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": email},
        "customer_type": customer,
        "model_breakdown": [
            {"model": model, "tokens": counts, "estimated_cost": {"amount": cents, "currency": "USD"}},
        ],
    }


def event(at: str, email: str | None = "ann@example.com", cents: float = 10.0, *, tokens: int = 100) -> ApiResponse:
    """A token-based event of Cursor, all tokens being output."""
    millis = int(datetime.fromisoformat(at).timestamp() * 1000)
    counts = {"inputTokens": 0, "outputTokens": tokens, "cacheWriteTokens": 0, "cacheReadTokens": 0}
    return {
        "timestamp": str(millis),
        "model": "sonnet",
        "kind": "Usage-based",
        "isTokenBasedCall": True,
        "tokenUsage": {**counts, "totalCents": cents},
        "cursorTokenFee": 0,
        "userEmail": email,
    }


def events(*members: ApiResponse, number: int = 1, count: int = 1) -> ApiResponse:
    """A page of Cursor's events."""
    paging = {"numPages": count, "currentPage": number, "hasNextPage": number < count}
    return {"usageEvents": list(members), "pagination": paging, "period": {"startDate": 1, "endDate": 2}}


def _z(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
