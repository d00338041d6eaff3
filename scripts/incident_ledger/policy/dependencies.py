"""What depends on what: which incident explains another. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incident_ledger.policy.cells import Row
from incident_ledger.policy.patterns import fits, holds

_JOINS = "joins"


@dataclass(frozen=True)
class Dependencies:
    """The rows of `component_dependencies` that are valid at one time."""

    rows: Sequence[Row]

    def explains(
        self, cause: Iterable[str], rule_id: str | None, components: Iterable[str], *, only_joins: bool = False
    ) -> bool:
        """Whether an incident of the components `cause`, by this rule, explains one of `components`.

        `only_joins`: so that it is part of that one, and not only shown with it.
        """
        rows = [row for row in self.rows if holds(row["rule_ids"], [rule_id or ""])]
        return any(
            fits(row["component"], component) and fits(row["depends_on"], other) and component != other
            for row in rows
            if not only_joins or row["effect"] == _JOINS
            for component in components
            for other in cause
        )

    def are_depended_on(self, components: Iterable[str]) -> bool:
        """Whether something depends on one of them."""
        return any(fits(row["depends_on"], component) for row in self.rows for component in components)

    def depend(self, components: Iterable[str]) -> bool:
        """Whether one of them depends on something."""
        return any(fits(row["component"], component) for row in self.rows for component in components)
