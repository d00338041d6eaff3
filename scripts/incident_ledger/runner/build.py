"""The builds of one run: what is new, by dbt, with a retry for what failed, and the record of what was built."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.runner.build_state import read_built, write_built
from incident_ledger.runner.node_selection import Built, Clock, Node, Selection, nodes_of, select
from incident_ledger.runner.project_files import project_checksum
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.modified import last_modified


class Builds:
    """Builds of one as-of time. With `is_full` everything is built, whatever is recorded."""

    def __init__(self, warehouse: Warehouse, dbt: Dbt, as_of: datetime, *, is_full: bool) -> None:
        self._warehouse = warehouse
        self._dbt = dbt
        self._as_of = as_of
        self._is_full = is_full
        self._new: dict[str, Built] = {}
        self._seen: dict[str, Built] = {}  # sources and seeds, as of the last build

    def build(self, selector: str, *, is_open: bool) -> tuple[list[NodeResult], Selection, list[str]]:
        """Build what is new of a selector of `selectors.yml`: the results, what was selected, what was tried again.

        When tables were last modified is read before: what comes in meanwhile is built by the next run.
        """
        wanted = self._dbt.members(selector)
        ids = [unique_id for unique_id, node in self._nodes.items() if node.selector in wanted]
        clock = Clock(self._as_of, is_open)
        modified = self._modified()
        selection = select(
            self._nodes, ids, project=self._project, clock=clock, modified=modified, built=self._built | self._new
        )
        if not selection.keys:
            return [], selection, []
        results, again = self._run(sorted(self._nodes[unique_id].selector for unique_id in selection.keys))
        self._note(results, selection, modified)
        # At once: a run that dies later need not build this again.
        write_built(self._warehouse, self._built | self._new | self._seen, self._project, self._as_of)
        return results, selection, again

    def _run(self, selectors: Sequence[str]) -> tuple[list[NodeResult], list[str]]:
        """A passing fault of the warehouse is overcome in the same run."""
        results = self._dbt.build_exactly(selectors, as_of=self._as_of)
        if not any(node.is_error for node in results):
            return results, []
        again = [node.unique_id for node in results if node.is_error or node.is_skipped]
        names = [self._nodes[unique_id].selector for unique_id in again if unique_id in self._nodes]
        second = self._dbt.build_exactly(names, as_of=self._as_of) if names else []
        kept = [node for node in results if node.unique_id not in again or node.unique_id not in self._nodes]
        return kept + second, [node.name for node in results if node.unique_id in again]

    def _note(
        self, results: Sequence[NodeResult], selection: Selection, before: dict[tuple[str, str], str | None]
    ) -> None:
        """Nodes that were built and tests that passed; what failed is built and tested again by the next run."""
        done = [self._nodes[node.unique_id] for node in results if node.is_success and node.unique_id in selection.keys]
        after = last_modified(self._warehouse, [node.relation for node in done if node.relation and not node.is_view])
        # A test that passed before and finds rows now may have the key that is recorded: it is asked again.
        self._new |= dict.fromkeys(selection.keys, Built(""))
        for node in done:
            self._new[node.unique_id] = Built(
                selection.keys[node.unique_id], after.get(node.relation) if node.relation else None
            )
        self._seen = {
            node.unique_id: Built("", before.get(node.relation))
            for node in self._nodes.values()
            if not node.is_built and node.relation is not None
        }

    def _modified(self) -> dict[tuple[str, str], str | None]:
        return last_modified(self._warehouse, [node.relation for node in self._nodes.values() if node.relation])

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return nodes_of(self._dbt.manifest())

    @cached_property
    def _project(self) -> str:
        return project_checksum(self._warehouse.settings)

    @cached_property
    def _built(self) -> dict[str, Built]:
        return {} if self._is_full else read_built(self._warehouse)
