"""Who depends on whom in a dbt project, and who owns what, by its manifest. Pure."""

from collections import deque
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from incident_ledger.dbt_results.artifacts import Manifest, Node
from incident_ledger.dbt_results.node_results import name_of

_TESTS = ("test", "unit_test")


class Lineage:
    """Answers by the ids of dbt's nodes. Without a manifest nothing depends on anything and nobody owns it."""

    def __init__(self, project: str, manifest: Manifest | None = None) -> None:
        self.project = project
        self._nodes: Mapping[str, Node] = manifest.everything if manifest else {}
        self._groups = manifest.groups if manifest else {}
        self._exposures = manifest.exposures if manifest else {}
        self._upstream = cache(self._find_upstream)

    @property
    def is_known(self) -> bool:
        """Whether there is a manifest."""
        return bool(self._nodes)

    def has(self, unique_id: str) -> bool:
        """Whether the project has the node, or nobody knows its nodes. A hook is no node."""
        return not self.is_known or unique_id in self._nodes or unique_id.startswith("operation.")

    def count(self, kinds: Collection[str]) -> int | None:
        """How many nodes of these kinds the project has; None where nobody knows."""
        if not self.is_known:
            return None
        return sum(node.resource_type in kinds for node in self._nodes.values())

    def place(self, unique_id: str) -> str:
        """Where a failure is: of a test the node that it is a test of, else the node itself."""
        node = self._nodes.get(unique_id)
        if node is None or node.resource_type not in _TESTS:
            return unique_id
        parents = [each for each in node.depends_on.nodes if each in self._nodes]
        return node.attached_node or (parents[0] if parents else unique_id)

    def component(self, unique_id: str) -> str:
        """Where a failure is, as incidents name it. Without a manifest all tests have one place."""
        if not self.is_known and unique_id.partition(".")[0] in _TESTS:
            return f"dbt:{self.project}"
        return f"dbt:{self.project}.{self.name(self.place(unique_id))}"

    def upstream(self, unique_id: str) -> frozenset[str]:
        """The place of a failure and all that it is made from. A cycle, which dbt itself refuses, ends."""
        return self._upstream(self.place(unique_id))

    def name(self, unique_id: str) -> str:
        """As a person calls it."""
        node = self._nodes.get(unique_id)
        if node is None:
            return name_of(unique_id)
        return f"{node.source_name}.{node.name}" if node.source_name else node.name

    def test_name(self, unique_id: str) -> str | None:
        """The generic test behind a test, such as `not_null`; None of another, and where nobody knows."""
        node = self._nodes.get(unique_id)
        return node.test_metadata.name if node and node.test_metadata else None

    def counts_all_rows(self, unique_id: str) -> bool:
        """Whether nothing narrows what a test counts."""
        node = self._nodes.get(unique_id)
        if node is None or node.config.where or node.config.limit is not None:
            return False
        return (node.config.fail_calc or "count(*)").replace(" ", "").lower() == "count(*)"

    def meta(self, unique_id: str, name: str) -> Any:
        """A value of a node's `meta`; None where there is none."""
        node = self._nodes.get(unique_id)
        return None if node is None else node.config.meta.get(name, node.meta.get(name))

    def owner(self, unique_id: str) -> str | None:
        """Whom to ask: `meta.owner` of the node or of the place of the failure, its group's owner, or an exposure's."""
        place = self.place(unique_id)
        for each in dict.fromkeys((unique_id, place)):
            owner = self.meta(each, "owner")
            if isinstance(owner, str) and owner.strip():
                return owner.strip()
        for each in dict.fromkeys((unique_id, place)):
            node = self._nodes.get(each)
            group = self._groups.get(f"group.{each.split('.')[1]}.{node.group}") if node and node.group else None
            if group and group.owner and group.owner.text:
                return group.owner.text
        return next((text for text in self._readers(place) if text), None)

    def _readers(self, place: str) -> list[str | None]:
        """The owners of the exposures that read the place itself."""
        exposures = sorted(self._exposures.values(), key=lambda each: each.unique_id)
        return [each.owner.text for each in exposures if each.owner and place in each.depends_on.nodes]

    def _find_upstream(self, place: str) -> frozenset[str]:
        seen, queue = {place}, deque([place])
        while queue:
            node = self._nodes.get(queue.popleft())
            for parent in node.depends_on.nodes if node else ():
                if parent not in seen:
                    seen.add(parent)
                    queue.append(parent)
        return frozenset(seen)
