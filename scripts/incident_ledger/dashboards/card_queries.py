"""The queries of the cards, asked of the warehouse as they are: nothing is built. One that fails is one card's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.pool import ThreadPool
from typing import Any

from incident_ledger.dashboards.definition import FOLDER, Card, Dashboard
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import OutsideError
from incident_ledger.job_labels import labelled_model
from incident_ledger.warehouse import Warehouse


@dataclass(frozen=True)
class CardResult:
    """The rows of a card, in the order of its query; or why there are none (`error`, one line).

    `fresh_at` is the time as of which they are; None where that is not known.
    """

    card: Card
    rows: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    error: str | None = None
    fresh_at: datetime | None = None


def ask_cards(
    warehouse: Warehouse, dbt: Dbt, dashboards: Sequence[Dashboard], as_of: datetime
) -> dict[str, CardResult]:
    """Every card of the dashboards by name, `THREADS` at once. Raises `OutsideError` when dbt cannot compile them."""
    compiled = dbt.analyses(FOLDER.as_posix())
    cards = [card for dashboard in dashboards for card in dashboard.cards]

    def ask(card: Card) -> CardResult:
        with labelled_model(card.card):
            return ask_card(warehouse, card, compiled[card.card], as_of)

    with ThreadPool(warehouse.settings.threads) as pool:
        return {result.card.card: result for result in pool.imap(ask, cards)}


def ask_card(warehouse: Warehouse, card: Card, sql: str, as_of: datetime) -> CardResult:
    """One card, for the time of the page."""
    try:
        rows = warehouse.rows(sql, {"as_of": as_of})
    except OutsideError as error:
        return CardResult(card, error=str(error).splitlines()[0])
    if rows and (missing := [name for name in card.query_columns if name not in rows[0]]):
        return CardResult(card, error=f"The query has no column {missing[0]}.")
    return CardResult(card, rows)
