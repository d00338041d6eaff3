"""Whether the pages that were given are all: an export with a page missing is not a day's full total."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from incident_ledger.encoding import canonical
from incident_ledger.importers.usage.parsing import ApiResponse


@dataclass(frozen=True, kw_only=True)
class Page:
    """The place of a response. `number` of `count` in `group` where it is numbered; `quote` shows it."""

    file: str
    line: int
    days: frozenset[date]
    has_more: bool
    quote: str
    group: str | None = None
    number: int | None = None
    count: int | None = None

    @classmethod
    def of(cls, response: ApiResponse, days: set[date]) -> "Page":
        """Anthropic: `has_more`. Cursor: `pagination`, or `totalPages` without a number."""
        body = response.body
        paging = body.get("pagination")
        group: str | None = None
        number = count = None
        has_more, quote = body.get("has_more") is True, "has_more is true"
        if isinstance(paging, dict):
            has_more, quote = paging.get("hasNextPage") is True, "hasNextPage is true"
            group, number, count = canonical(body.get("period")), _int(paging, "currentPage"), _int(paging, "numPages")
        elif _int(body, "totalPages") is not None:
            group, count = canonical(body.get("subscriptionCycleStart")), _int(body, "totalPages")
            quote = f"totalPages is {count}"
        return cls(
            file=response.file, line=response.line, days=frozenset(days),
            has_more=has_more, quote=quote, group=group, number=number, count=count,
        )  # fmt: skip

    def note(self) -> str:
        """For a person: which days are not complete, and why."""
        days = sorted(self.days)
        period = "" if not days else f" ({days[0]})" if len(days) == 1 else f" ({days[0]} to {days[-1]})"
        return (
            f"{self.file}, line {self.line}: {self.quote}, and not all pages were given: what it holds{period} is not "
            "the full total. Load all pages in one command."
        )


def incomplete(pages: Sequence[Page]) -> Iterator[Page]:
    """The pages whose export is not all there.

    Numbered pages of one period are complete when each number was given. Anthropic's pages have no number: in the order
    given, each that has more is followed by another, and the last has no more.
    """
    groups: dict[str, list[Page]] = {}
    run: list[Page] = []
    for page in pages:
        if page.group is not None:
            groups.setdefault(page.group, []).append(page)
            continue
        run.append(page)
        if not page.has_more:
            run.clear()
    yield from run
    for members in groups.values():
        if not _all_there(members):
            yield from members


def _all_there(pages: Sequence[Page]) -> bool:
    count = max(page.count or 1 for page in pages)
    numbers = {page.number for page in pages if page.number is not None}
    if numbers:
        return len(numbers) >= count and not all(page.has_more for page in pages)
    return len(pages) >= count and not (len(pages) == 1 and pages[0].has_more)


def _int(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
