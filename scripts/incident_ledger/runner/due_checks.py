"""Which suites a run checks: those whose results may be others than when they were last checked.

What a suite finds depends on its file, the rows of its table, the policy and the day (`quality.unchanged`). Where all
of that is as it was when all its rules could be evaluated, it would find the same, until its newest record is too old.
A suite that found something is checked again after every event, too: who resolved its incident learns that it goes on.
One of which not all is known is checked by every run: one with a rule that could not be evaluated, takes the time in
another way or reads other tables, or whose table is a view of others, or is built after the checks.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from incident_ledger.encoding import parse_time, timestamp
from incident_ledger.errors import UserError
from incident_ledger.policy import Policy
from incident_ledger.quality.result_types import BatchResult
from incident_ledger.quality.suite_types import TableName
from incident_ledger.quality.suites import load_contents, meta_of
from incident_ledger.quality.unchanged import passes_until, reads_table_alone
from incident_ledger.runner.build import Builds
from incident_ledger.runner.build_state import CHECK
from incident_ledger.runner.node_selection import key_of
from incident_ledger.warehouse import Warehouse


class DueChecks:
    """The suites of one run that are due, found before its build; all where it builds everything."""

    def __init__(self, warehouse: Warehouse, builds: Builds, policy: Policy, as_of: datetime) -> None:
        self._warehouse, self._builds, self._as_of = warehouse, builds, as_of
        self._contents = contents = load_contents(warehouse.settings)
        changed_at = policy.changed_at(as_of)
        self._rules = [builds.policy_modified, timestamp(changed_at) if changed_at else None]
        self._keys = {file: self._key(content) for file, content in contents.items()}
        self._recorded = builds.records(CHECK)
        self.metas: Mapping[str, Mapping[str, Any]] = {
            file: meta_of(content) for file, content in contents.items() if not self._is_as_it_was(file)
        }
        """The `meta` of each suite that is due, by its file."""
        self.unchanged = len(contents) - len(self.metas)

    def note(self, batches: Sequence[BatchResult]) -> None:
        """Keep which suites were evaluated for the next `Builds.write`; to be called once their results are written."""
        known = {file: record for file, record in self._recorded.items() if file not in self.metas}
        for file in self.metas:
            own, key = [batch for batch in batches if batch.suite == file], self._keys[file]
            if key is not None and all(batch.is_evaluated for batch in own):
                until = passes_until(self._contents[file], [rule for batch in own for rule in batch.rules])
                is_clean = all(batch.is_clean for batch in own)
                known[file] = (key if is_clean else self._key_in_breach(key), timestamp(until) if until else None)
        if known != self._recorded:
            self._builds.keep(CHECK, known)

    def _is_as_it_was(self, file: str) -> bool:
        recorded, until = self._recorded.get(file, ("", None))
        key = self._keys[file]
        is_same = key is not None and recorded in {key, self._key_in_breach(key)}
        return is_same and (until is None or self._as_of <= parse_time(until))

    def _key_in_breach(self, key: str) -> str:
        return key_of([key, self._builds.events_modified])

    def _key(self, content: Any) -> str | None:
        """What the suite's results depend on, as a hash; None where not all is known."""
        try:
            table = TableName.parse(meta_of(content).get("table", ""), self._warehouse.settings)
        except UserError:
            return None
        if not reads_table_alone(content):
            return None
        rows = self._builds.rows_key((table.dataset, table.table), "feeds")
        day = self._as_of.astimezone(UTC).date().isoformat()
        return key_of([content, rows, self._rules, day, self._builds.project]) if rows else None
