"""Signals as the warehouse holds them: rows of `fct_signals`."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from incident_ledger.response.signals import Signal
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of


def read_signals(warehouse: Warehouse) -> list[Signal]:
    """What the detectors find now: all rows of `fct_signals`, by one query."""
    return read(warehouse, signals_reading(warehouse))


def signals_reading(warehouse: Warehouse) -> Reading[list[Signal]]:
    """`read_signals`, to be read with others."""
    sql = f"select {signal_columns()} from {warehouse.mart('fct_signals')}"  # noqa: S608 - names of our own columns
    rows = yield from rows_of(sql)
    return [to_signal(row) for row in rows]


def signal_columns() -> str:
    """The columns of `fct_signals` that make a `Signal`."""
    return ", ".join(each.name for each in fields(Signal))


def to_signal(row: Mapping[str, Any]) -> Signal:
    """A row as a value."""
    evidence = row["evidence"]
    return Signal(**{**row, "evidence": json.loads(evidence) if isinstance(evidence, str) else evidence or {}})
