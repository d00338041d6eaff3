"""The rows of cards as a page carries them: JSON by column, each text once, within a script element. Pure."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from incident_ledger.dashboards.card_queries import CardResult
from incident_ledger.dashboards.definition import Card
from incident_ledger.encoding import clean, iso_time, shortened

LONGEST_TEXT = 500  # characters of a cell; the ledger has the whole
_DIGITS = 12  # of a number, more than any page shows
_TOTAL = "total_rows"


def cell(value: Any) -> Any:
    """A value as JSON has it: numbers, texts, true and false, null. Times are ISO 8601 in UTC."""
    match value:
        case None | bool() | int():
            return value
        case float() | Decimal():
            number = float(value)
            return float(f"{number:.{_DIGITS}g}") if math.isfinite(number) else None
        case datetime():
            return iso_time(value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))
        case date():
            return value.isoformat()
    return shortened(clean(str(value)), LONGEST_TEXT)


def packed(values: Iterable[Any]) -> Any:
    """A column: its values as they are, or where texts repeat, each text once and the place of each value."""
    cells = [cell(value) for value in values]
    distinct = list(dict.fromkeys(cells))
    if any(isinstance(each, str) for each in distinct) and len(distinct) * 2 < len(cells):
        place = {each: number for number, each in enumerate(distinct)}
        return {"values": distinct, "places": [place[each] for each in cells]}
    return cells


def card_data(result: CardResult, filters: Sequence[str]) -> dict[str, Any]:
    """What the page knows of a card. `total` is how many rows there are where the query gives only the first."""
    card, rows = result.card, result.rows
    total = rows[0].get(_TOTAL) if rows else None
    return {
        "card": card.card,
        "title": card.title,
        "chart": card.chart,
        "sentence": card.sentence,
        "empty": card.empty,
        "x": card.x,
        "y": card.y,
        "series": card.series,
        "marks": card.marks,
        "filterBy": dict(card.filter_by),
        "filters": list(filters),
        "total": total,
        "error": result.error,
        "columns": [{"name": each.column, "title": each.title, "format": each.format} for each in card.columns],
        "length": len(rows),
        "data": {name: packed(row.get(name) for row in rows) for name in _names(card)},
    }


def _names(card: Card) -> Sequence[str]:
    return list(dict.fromkeys(card.query_columns))


def script_json(value: Any) -> str:
    """JSON that ends no script element and begins no comment, whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return "".join(escapes.get(character, character) for character in text)
