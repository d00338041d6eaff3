"""Values as texts. A rate never shows more than is known: 4.9995 % is not 5 %, and one of two million is not 0 %."""

from datetime import datetime
from fractions import Fraction
from typing import Any


def percent_text(percent: Fraction | int, places: int = 2) -> str:
    """A percentage to two places, more when fewer would show another number as a whole one.

    >>> percent_text(Fraction(9999 * 100, 200000))
    '4.9995 %'
    >>> percent_text(Fraction(100, 1864458))
    'under 0.01 %'
    """
    value = Fraction(percent)
    if 0 < value < Fraction(1, 100):
        return "under 0.01 %"
    while places < 12 and value.denominator != 1 and round(value, places).denominator == 1:
        places += 2
    return f"{float(round(value, places)):.{places}f}".rstrip("0").rstrip(".") + " %"


def fraction_text(part: int, whole: int, what: str = "records") -> str:
    """`21.85 % (3,316 of 15,179 records)`."""
    percent = percent_text(Fraction(100 * part, whole)) if whole else "no rate"
    return f"{percent} ({part:,} of {whole:,} {what})"


def value_text(value: Any) -> str:
    """A value of the table as a person reads it: times to the minute, in UTC."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)
