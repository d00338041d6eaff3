"""Which nodes of dbt a run builds: those whose rows may be others than when they were last built. Pure.

A node's key is a hash over what its rows depend on: the project's files, when each source and seed below it was last
modified, and the clock where its model says so. A view holds no rows, so that its own key is the project alone; the
tests of a view, and the tables that read it, have the keys of what is below it in theirs.

`config.meta.clock` of a model says how far its rows depend on the as-of time:

    run     on each: built by every run
    open    while an incident is open or may have a deadline that did not pass yet, and else on the day
    day     on the day (UTC)

A data test depends on the day alone: keys and values that a table had at nine it has at ten, where nothing but the time
changed its rows. It is asked again when the rows below it changed, or a table below it is not as its build left it.

A view over date-sharded tables names each of them: it is built when there is another one, or one has another column.

A source with a clock is one whose rows are news by that clock, and not whenever it was modified: `run_steps`, to which
each run adds its own.
"""

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from incident_ledger.encoding import canonical, timestamp
from incident_ledger.warehouse.shards import is_sharded

Relation = tuple[str, str]
"""Dataset and table."""


@dataclass(frozen=True)
class Node:
    """A source, seed, model or data test. `selector` is how dbt's `--select` names it."""

    unique_id: str
    selector: str
    parents: tuple[str, ...] = ()
    relation: Relation | None = None
    """Where its rows are; None for a test."""
    is_view: bool = False
    is_built: bool = True
    """Whether a run builds or tests it; sources and seeds are there."""
    clock: str | None = None
    keeps_settled: bool = False
    """Whether it keeps what was computed of incidents that are settled, and computes the others alone."""

    @property
    def is_test(self) -> bool:
        """Whether it is a data test."""
        return self.is_built and self.relation is None

    @property
    def name(self) -> str:
        """The model's, or the test's, own name."""
        return self.selector.rpartition(".")[2]


@dataclass(frozen=True)
class Clock:
    """The as-of time of a run, and whether rows move with it."""

    as_of: datetime
    is_open: bool

    def value(self, kind: str | None) -> str:
        """What a node of this `meta.clock` depends on."""
        day = self.as_of.astimezone(UTC).date().isoformat()
        values = {"run": timestamp(self.as_of), "open": timestamp(self.as_of) if self.is_open else day, "day": day}
        return values[kind] if kind else ""


@dataclass(frozen=True)
class Built:
    """What a run built: its key, and when the table was last modified then (None for what has no rows)."""

    key: str
    modified: str | None = None


@dataclass(frozen=True)
class Selection:
    """The nodes to build, with the key that each has once it is built, and how many are as they were.

    `changed` names the tables below them that were modified since the last builds.
    """

    keys: Mapping[str, str]
    unchanged: int
    changed: tuple[str, ...] = ()


def nodes_of(manifest: Any) -> dict[str, Node]:
    """What is built and tested, and the sources and seeds below it, of dbt's manifest by its unique id."""
    nodes = {
        unique_id: Node(
            unique_id,
            ".".join(source.fqn),
            relation=_relation_of(source),
            is_built=False,
            clock=source.config.meta.get("clock"),
        )
        for unique_id, source in manifest.sources.items()
    }
    for unique_id, node in manifest.nodes.items():
        kind = str(node.resource_type)
        if kind not in {"model", "seed", "test"}:
            continue
        nodes[unique_id] = Node(
            unique_id,
            ".".join(node.fqn),
            parents=tuple(node.depends_on.nodes) if kind != "seed" else (),
            relation=(node.schema, node.alias) if kind != "test" else None,
            is_view=node.config.materialized == "view",
            is_built=kind != "seed",
            clock=node.config.meta.get("clock"),
            keeps_settled=node.config.meta.get("keeps") == "settled_incidents",
        )
    return nodes


def _relation_of(source: Any) -> Relation | None:
    """Of a view of BigQuery's own nobody can ask when it was modified. Shards may be in another project."""
    if "INFORMATION_SCHEMA" in source.identifier:
        return None
    dataset = f"{source.database}.{source.schema}" if is_sharded(source.identifier) else source.schema
    return dataset, source.identifier


def select(
    nodes: Mapping[str, Node],
    wanted: Iterable[str],
    *,
    project: str,
    clock: Clock,
    modified: Mapping[Relation, str | None],
    built: Mapping[str, Built],
) -> Selection:
    """Of `wanted` (unique ids) what is to be built now.

    `project` is the checksum of the project's files, `modified` says of every relation when it was last modified (None
    when it is not there), `built` what the last builds recorded. A table that somebody else wrote or dropped is built
    again, and so is all that reads what is built.
    """
    known = _Known(nodes, project, clock, modified, built)
    wanted = list(wanted)
    chosen = {unique_id: known.key(unique_id) for unique_id in wanted if not known.is_current(unique_id)}
    read = {parent for unique_id in chosen for parent in below(nodes, unique_id)}
    changed = {
        relation[1]
        for unique_id in read
        if not nodes[unique_id].is_built
        and (relation := nodes[unique_id].relation) is not None
        and modified.get(relation) != (built[unique_id].modified if unique_id in built else None)
    }
    return Selection(chosen, len(wanted) - len(chosen), tuple(sorted(changed)))


def recorded(
    nodes: Mapping[str, Node],
    keys: Mapping[str, str],
    done: Container[str],
    modified: Mapping[Relation, str | None],
) -> dict[str, Built]:
    """What is to be recorded of a build of `keys`, of which `done` were built or passed; `modified` is after it.

    Of what failed a record without a key: a test that passed before and finds rows now may have the key that is
    recorded, and is asked again.
    """
    return {
        unique_id: Built(key, modified.get(relation) if (relation := nodes[unique_id].relation) else None)
        if unique_id in done
        else Built("")
        for unique_id, key in keys.items()
    }


def rows_key(
    nodes: Mapping[str, Node], unique_id: str, *, project: str, clock: Clock, modified: Mapping[Relation, str | None]
) -> str:
    """What the rows of a table or view depend on, as a hash; of a table as they are once it is built."""
    return _Known(nodes, project, clock, modified, {}).rows_key(unique_id)


def settled_key(nodes: Mapping[str, Node], *, project: str, modified: Mapping[Relation, str | None]) -> str:
    """What is computed of an incident depends on, but for its events, as a hash: the project's files and the policy."""
    keepers = [unique_id for unique_id, node in nodes.items() if node.keeps_settled]
    read = sorted({each for keeper in keepers for each in below(nodes, keeper) if each.startswith("seed.")})
    return key_of([project, [[seed, modified.get(nodes[seed].relation or ("", ""))] for seed in read]])


def below(nodes: Mapping[str, Node], unique_id: str) -> set[str]:
    """The node and all that it reads, directly or not."""
    return {unique_id}.union(*(below(nodes, parent) for parent in nodes[unique_id].parents))


def models_between(nodes: Mapping[str, Node], source: Relation, model: Relation) -> list[str]:
    """The names of the models through which the rows of a source come to a model, in order; the model is the last."""
    by_relation = {node.relation: unique_id for unique_id, node in nodes.items() if node.relation}
    first = by_relation[source]
    read = {each: below(nodes, each) for each in below(nodes, by_relation[model])}
    between = [each for each in read if each != first and first in read[each]]
    return [nodes[each].name for each in sorted(between, key=lambda each: (len(read[each]), each))]


class _Known:
    """What is known of all nodes; each is looked at once."""

    def __init__(
        self,
        nodes: Mapping[str, Node],
        project: str,
        clock: Clock,
        modified: Mapping[Relation, str | None],
        built: Mapping[str, Built],
    ) -> None:
        self._nodes, self._project, self._clock, self._modified, self._built = nodes, project, clock, modified, built
        self._rows_keys: dict[tuple[str, bool], str] = {}
        self._has_rows: dict[str, bool] = {}

    def key(self, unique_id: str) -> str:
        """The key of a node once it is built."""
        node = self._nodes[unique_id]
        if node.is_view:
            return key_of([unique_id, self._project, *self._shards(node)])
        return self.rows_key(unique_id, is_by_day=node.is_test)

    def is_current(self, unique_id: str) -> bool:
        """Whether what was built of the node is what a build would give now."""
        node = self._nodes[unique_id]
        if node.is_view:
            is_there = node.relation is not None and self._modified.get(node.relation) is not None
            return is_there and unique_id in self._built and self._built[unique_id].key == self.key(unique_id)
        if node.is_test:
            last = self._built.get(unique_id)
            is_same = last is not None and last.key == self.key(unique_id)
            return is_same and all(map(self._is_untouched, node.parents))
        return self._has_current_rows(unique_id)

    def rows_key(self, unique_id: str, *, is_by_day: bool = False) -> str:
        """The key of its rows, of which a view has none of its own; `is_by_day`: of the time only the day counts."""
        if (unique_id, is_by_day) not in self._rows_keys:
            node = self._nodes[unique_id]
            time = self._clock.value("day" if is_by_day and node.clock else node.clock)
            own = time if node.is_built or node.clock else self._modified_of(node)
            below = sorted(self.rows_key(parent, is_by_day=is_by_day) for parent in node.parents)
            self._rows_keys[unique_id, is_by_day] = key_of([unique_id, self._project, own, below])
        return self._rows_keys[unique_id, is_by_day]

    def _shards(self, node: Node) -> list[str | None]:
        """Which shards there are below a view that names each of them."""
        parents = [self._nodes[parent] for parent in node.parents]
        return [self._modified_of(each) for each in parents if each.relation and is_sharded(each.relation[1])]

    def _is_untouched(self, unique_id: str) -> bool:
        """Whether all tables below are as the last builds left them, whatever the time was then."""
        node = self._nodes[unique_id]
        is_own = not node.is_built or node.is_view or self._is_as_left(node)
        return is_own and all(map(self._is_untouched, node.parents))

    def _has_current_rows(self, unique_id: str) -> bool:
        if unique_id not in self._has_rows:
            node = self._nodes[unique_id]
            is_own = not node.is_built or node.is_view or self._is_as_built(node)
            self._has_rows[unique_id] = is_own and all(map(self._has_current_rows, node.parents))
        return self._has_rows[unique_id]

    def _is_as_built(self, node: Node) -> bool:
        last = self._built.get(node.unique_id)
        is_same = last is not None and last.key == self.rows_key(node.unique_id)
        return is_same and self._is_as_left(node)

    def _is_as_left(self, node: Node) -> bool:
        """Whether a table is there, and nobody else wrote it since it was built."""
        last, modified = self._built.get(node.unique_id), self._modified_of(node)
        return last is not None and modified is not None and last.modified == modified

    def _modified_of(self, node: Node) -> str | None:
        return self._modified.get(node.relation) if node.relation is not None else None


def key_of(value: Any) -> str:
    """A hash over what something depends on."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
