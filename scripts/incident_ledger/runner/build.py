"""The builds of one run: what is new, by dbt, with a retry for what failed, and the record of what was built."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property

from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.encoding import timestamp
from incident_ledger.runner.build_state import BUILD, FAILED, Records, read_records, write_all
from incident_ledger.runner.node_selection import (
    Built,
    Clock,
    Node,
    Relation,
    Selection,
    below,
    nodes_of,
    recorded,
    rows_key,
    select,
    settled_key,
)
from incident_ledger.runner.project_files import project_checksum
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.modified import last_modified

_SETTLED = "settled incidents"  # among the records of nodes: what they were computed from


class Builds:
    """Builds of one as-of time. With `is_full` everything is built, whatever is recorded."""

    def __init__(self, warehouse: Warehouse, dbt: Dbt, as_of: datetime, *, is_full: bool) -> None:
        self._warehouse = warehouse
        self._dbt = dbt
        self._as_of = as_of
        self._is_full = is_full
        self._new: dict[str, Built] = {}
        self._seen: dict[str, Built] = {}  # sources and seeds, as of the last build
        self._selectors: dict[str, set[str]] = {}
        self._before: dict[Relation, str | None] | None = None  # when tables were modified, not used by a build yet
        self._unwritten: dict[str, Records] = {}

    def read_ahead(self) -> None:
        """Read what is recorded and when tables were modified, at once."""
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read_records, self._warehouse)
            self._modified()
            self._all_records = reading.result()

    def build(
        self, selector: str, *, is_open: bool, beside: Callable[[Collection[str]], object] = lambda _: None
    ) -> tuple[list[NodeResult], Selection, list[str]]:
        """Build what is new of a selector of `selectors.yml`: the results, what was selected, what was tried again.

        When tables were last modified is read before: what comes in meanwhile is built by the next run. `beside` is
        called with the names of what was built, while it is recorded.
        """
        wanted = self._members(selector)
        ids = [unique_id for unique_id, node in self._nodes.items() if node.selector in wanted]
        clock = Clock(self._as_of, is_open)
        modified, self._before = self._modified(), None
        selection = select(
            self._nodes, ids, project=self.project, clock=clock, modified=modified, built=self._built | self._new
        )
        if not selection.keys:
            self._write_beside(beside)
            return [], selection, []
        results, again = self._run(sorted(self._nodes[unique_id].selector for unique_id in selection.keys))
        self._note(results, selection, modified)
        if any(self._nodes[unique_id].keeps_settled for unique_id in selection.keys):
            self._new[_SETTLED] = Built(settled_key(self._nodes, project=self.project, modified=modified))
        # At once: a run that dies later need not build this again.
        built = self._built | self._new | self._seen
        self.keep(BUILD, {unique_id: (each.key, each.modified) for unique_id, each in built.items()})
        self._write_beside(beside)
        return results, selection, again

    def keep(self, name: str, records: Records) -> None:
        """Record something with what is written next."""
        self._unwritten[name] = records

    def write(self) -> None:
        """Write what is kept, by one statement; none where nothing is."""
        records, self._unwritten = self._unwritten, {}
        write_all(self._warehouse, records, self.project, self._as_of)

    def rows_key(self, relation: Relation, selector: str) -> str | None:
        """What the rows of a table depend on, once this selector is built, as a hash; None where that is not known.

        It is asked before the build, from when tables were modified then, which the build uses too.
        """
        unique_id = self._by_relation.get(relation)
        if unique_id is None:
            found = self._warehouse.find(*relation)
            if found is None or found.table_type != "TABLE" or found.streaming_buffer or found.modified is None:
                return None
            return timestamp(found.modified)
        wanted = self._members(selector)
        nodes = [self._nodes[each] for each in below(self._nodes, unique_id)]
        if any(node.is_built and node.selector not in wanted for node in nodes):
            return None
        # An open incident's clock moves by the second.
        clock = Clock(self._as_of, is_open=True)
        return rows_key(self._nodes, unique_id, project=self.project, clock=clock, modified=self._modified())

    @property
    def needs_all_incidents(self) -> bool:
        """Whether what is kept of settled incidents is not what a build would give: other rules, a table that was lost.

        It is asked before the build, from when tables were modified then.
        """
        key = settled_key(self._nodes, project=self.project, modified=self._modified())
        return self._built.get(_SETTLED) != Built(key) or not all(map(self._is_as_left, self._keepers))

    @property
    def has_kept_incidents(self) -> bool:
        """Whether all of an incident is computed that is kept once it is settled: no table of that failed."""
        built = self._built | self._new
        return all(unique_id in built and built[unique_id].key for unique_id in self._keepers)

    @property
    def names(self) -> set[str]:
        """The names of the nodes that were built."""
        return {self._nodes[unique_id].name for unique_id in self._new if unique_id in self._nodes}

    @property
    def policy_modified(self) -> list[str | None]:
        """When each seed was last modified."""
        seeds = (node for node in self._nodes.values() if node.unique_id.startswith("seed."))
        return [self._modified()[node.relation] for node in seeds if node.relation]

    def records(self, name: str) -> Records:
        """What the last runs recorded under a name; nothing where everything is to be built."""
        return self._records.get(name, {})

    @property
    def events_modified(self) -> str | None:
        """When the ledger's events were last modified, before the build."""
        return self.modified("incident_events")

    def modified(self, raw_table: str) -> str | None:
        """When a table of the raw dataset was last modified, before the build; None when it is not there."""
        return self._modified().get((self._warehouse.settings.raw_dataset, raw_table))

    def look_again(self) -> None:
        """Let the next build read when tables were modified: some have been since they were looked at."""
        self._before = None

    def _write_beside(self, beside: Callable[[Collection[str]], object]) -> None:
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(self.write)
            beside(self.names)
        writing.result()

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

    def _note(self, results: Sequence[NodeResult], selection: Selection, before: Mapping[Relation, str | None]) -> None:
        """Nodes that were built and tests that passed; what failed is built and tested again by the next run."""
        done = {node.unique_id for node in results if node.is_success} & selection.keys.keys()
        tables = [node.relation for each in done if (node := self._nodes[each]).relation and not node.is_view]
        after = last_modified(self._warehouse, [relation for relation in tables if relation])
        self._new |= recorded(self._nodes, selection.keys, done, after)
        self._seen = {
            node.unique_id: Built("", before.get(node.relation))
            for node in self._nodes.values()
            if not node.is_built and node.relation is not None
        }

    def _is_as_left(self, unique_id: str) -> bool:
        relation, last = self._nodes[unique_id].relation, self._built.get(unique_id)
        return relation is not None and last is not None and last.modified == self._modified()[relation]

    @cached_property
    def _keepers(self) -> list[str]:
        return [unique_id for unique_id, node in self._nodes.items() if node.keeps_settled]

    def _modified(self) -> dict[Relation, str | None]:
        if self._before is None:
            self._before = last_modified(self._warehouse, self._by_relation)
        return self._before

    def _members(self, selector: str) -> set[str]:
        if selector not in self._selectors:
            self._selectors[selector] = self._dbt.members(selector)
        return self._selectors[selector]

    @cached_property
    def _by_relation(self) -> dict[Relation, str]:
        return {node.relation: unique_id for unique_id, node in self._nodes.items() if node.relation}

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return nodes_of(self._dbt.manifest())

    @cached_property
    def project(self) -> str:
        """The checksum of the project's files."""
        return project_checksum(self._warehouse.settings)

    @cached_property
    def failed_before(self) -> frozenset[str]:
        """The nodes that failed when they were built or tested last, by the runs before."""
        return frozenset(self._all_records.get(FAILED, {}))

    @property
    def _records(self) -> Mapping[str, Records]:
        return {} if self._is_full else self._all_records

    @cached_property
    def _all_records(self) -> Mapping[str, Records]:
        return read_records(self._warehouse)

    @cached_property
    def _built(self) -> dict[str, Built]:
        return {unique_id: Built(*record) for unique_id, record in self.records(BUILD).items()}
