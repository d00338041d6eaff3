"""How what was published is known again: a mark in Metabase itself, since nothing else keeps state.

A card has it in the first line of its query, a dashboard and a collection in the last line of the description. The mark
says what the thing is made from and, as a fingerprint, what was published. Where what is there has another fingerprint
than its mark, a person edited it. Pure.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNFINISHED = "unfinished"  # made, and not filled yet
_CARD = re.compile(r"\A-- incident-ledger card (\S+) ([0-9a-f]{16}): [^\n]*\n")
_TEXT = re.compile(
    r"(?:\A|\n+)Published by incident-ledger: (dashboard|collection) (\S+)(?: ([0-9a-f]{16}|unfinished))?\.\Z"
)
_EDITED = "what is edited here is left alone by the next publish."


@dataclass(frozen=True)
class Mark:
    """What a thing is made from, and the fingerprint of what was published."""

    key: str
    fingerprint: str = ""


def marked_sql(sql: str, mark: Mark) -> str:
    """A query with its mark."""
    return f"-- incident-ledger card {mark.key} {mark.fingerprint}: {_EDITED}\n{sql}"


def unmarked_sql(text: str) -> tuple[str, Mark | None]:
    """A query without its mark, and the mark if it has one."""
    found = _CARD.match(text)
    return (text[found.end() :], Mark(found[1], found[2])) if found else (text, None)


def marked_text(text: str, kind: str, mark: Mark) -> str:
    """A description with its mark."""
    return f"{text}\n\nPublished by incident-ledger: {' '.join(filter(None, (kind, mark.key, mark.fingerprint)))}."


def unmarked_text(text: str | None, kind: str) -> tuple[str, Mark | None]:
    """A description without its mark, and the mark if it has one of that kind."""
    found = _TEXT.search(text or "")
    if found is None or found[1] != kind:
        return text or "", None
    return (text or "")[: found.start()], Mark(found[2], found[3] or "")


def fingerprint(projection: Mapping[str, Any]) -> str:
    """16 digits that differ where the projection does."""
    return hashlib.sha256(json.dumps(projection, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
