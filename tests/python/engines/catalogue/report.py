"""The whole catalogue or a sample of it, tried on both engines, and what is proven by it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from engines.catalogue import numbers, sets, texts, times
from engines.catalogue.cases import SEED, Case, fill
from engines.catalogue.engines import google, local
from engines.catalogue.verdicts import shown, verdict
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.local.functions.check import keys, refused

FAMILIES = numbers.FAMILIES | texts.FAMILIES | times.FAMILIES | sets.FAMILIES


@dataclass
class Report:
    """How many expressions ended how, by family; the wrong ones as lines; the keys of the equal ones."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    equal_keys: set[str] = field(default_factory=set)

    def summary(self) -> str:
        """One line a family, and their sum."""
        families = list(dict.fromkeys(family for family, _ in self.counts))
        lines = [self._line(family, [family]) for family in families]
        return "\n".join([*lines, self._line(f"all (seed {SEED})", families)])

    def total(self, how: str) -> int:
        """How many ended so."""
        return sum(count for (_, each), count in self.counts.items() if each == how)

    def _line(self, name: str, families: Sequence[str]) -> str:
        equal, refused, wrong = (
            sum(self.counts[family, how] for family in families) for how in ("equal", "refused", "wrong")
        )
        tried = equal + refused + wrong
        return f"{name}: {tried} expressions tried, {equal} equal, {refused} refused, {wrong} wrong"


def all_cases() -> list[Case]:
    """Every expression of the catalogue, in the same order each time."""
    return [case for family, templates in FAMILIES.items() for case in fill(family, templates)]


def sample(count: int, seed: int = SEED) -> list[Case]:
    """Some of them, spread over the families."""
    return Random(seed).sample(all_cases(), count)


def compare(warehouse: Warehouse, cases: Iterable[Case]) -> Report:
    """Each case by Google's reference implementation and by the local warehouse."""
    cases = list(cases)
    report, by_google = Report(), google(cases)
    for case, theirs, ours in zip(cases, by_google, local(warehouse, cases, by_google), strict=True):
        how = verdict(theirs, ours)
        report.counts[case.family, how] += 1
        if how == "wrong":
            report.wrong.append(f"{case.sql}\n    Google: {shown(theirs)}\n    here:   {shown(ours)}")
        elif how == "equal":
            report.equal_keys |= keys(f"select {case.sql}")
    return report


def candidates() -> set[str]:
    """What the catalogue names and nobody refuses."""
    return {key for case in all_cases() for key in keys(f"select {case.sql}")} - refused()
