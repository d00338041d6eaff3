"""An `Importer`: what goes in, what comes out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, Self, TypeVar

from incident_ledger.errors import UserError
from incident_ledger.ledger.events import Event
from incident_ledger.policy import Policy

R = TypeVar("R")
MAX_REJECTS = 50_000
"""Of one call. A file with more is of another kind, or needs its maker: nobody looks through so many."""


@dataclass(frozen=True)
class Document:
    """The content of a file or URL. `name` is what messages call it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Reject:
    """What was refused and why. `line` counts from 1 (0: the document as a whole); `record` is what came, as text."""

    file: str
    line: int
    error: str
    record: str
    field: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.error}" if self.field else f"{place}: {self.error}"


class Rejects(list[Reject]):
    """Rejects of one call. Raises `UserError` when they are more than `MAX_REJECTS`; then nothing is kept."""

    def append(self, reject: Reject) -> None:
        """One more."""
        super().append(reject)
        self._check()

    def extend(self, rejects: Iterable[Reject]) -> None:
        """Some more."""
        super().extend(rejects)
        self._check()

    def _check(self) -> None:
        if len(self) > MAX_REJECTS:
            raise UserError(
                f"{self[-1].file}: more than {MAX_REJECTS:,} records are refused, the first: {self[0]}. Nothing of it "
                "was taken in; correct the file, or give it in parts."
            )


@dataclass
class Parsed(Generic[R]):
    """Records in the order of the documents, what was refused, and remarks for a person on what was taken in."""

    records: list[R] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=Rejects)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LedgerScope:
    """Which events of the ledger an import must know: of incidents that meet any of these conditions.

    These keys; an id not below a bound; open (`is_open`); resolved at `ended_since` or later.
    """

    source_keys: tuple[str, ...]
    from_incident_id: str | None = None
    is_open: bool = False
    ended_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ImportPlan:
    """What records add to the ledger. Counts are of records; `remarks` are for a person."""

    events: tuple[Event, ...]
    new_incidents: int
    unchanged: int
    left_out: int = 0
    remarks: tuple[str, ...] = ()


class Importer(Protocol[R]):
    """One kind of source. `parse` and `plan` are pure: the same documents and events give the same plan."""

    source: str

    def under(self, policy: Policy, now: datetime) -> Self:
        """The same importer, with the limits that the policy sets at `now`."""

    def parse(self, document: Document) -> Parsed[R]:
        """All records of a document. What cannot be read is a reject; raises `UserError` for too many of them."""

    def size(self, records: Sequence[R]) -> int:
        """How many records of the source these are (a record here may have many, such as a poll)."""

    def scope(self, records: Sequence[R]) -> LedgerScope:
        """What must be read of the ledger before `plan`, by one query."""

    def plan(self, records: Sequence[R], known: Sequence[Event]) -> ImportPlan:
        """The events that are missing in `known`; none when everything was imported before."""
