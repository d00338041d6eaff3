"""One ledger for all tests of a process: made once, and like new for each test.

dbt takes ten seconds to make a ledger, and the local warehouse as long again to translate the statements that name its
datasets for the first time.
"""

from pathlib import Path

from incident_ledger.dbt_runner import Dbt
from incident_ledger.importers.sinks import SINKS
from incident_ledger.ledger.settling import VIEW, current_since
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import ALL

# A dataset and a relation of it.
Relation = tuple[str, str]


class Reused:
    """A ledger, and how it is like new."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        ensure_ledger(warehouse)
        self._made = self._relations()

    def like_new(self, folder: Path | None = None, **more: object) -> Warehouse:
        """The ledger in which nothing happened: no rows but the policy's, and nothing built that a new one has not.

        With a local folder of its own and other settings, if they are given: no name of a dataset is one of them.
        """
        self._drop_what_was_built()
        self._delete_rows()
        assert self._relations() == self._made
        return self._with(folder, **more)

    def emptied(self, folder: Path | None = None, **more: object) -> Warehouse:
        """The ledger in which nothing happened, with what was built, which has no rows."""
        settings, client, there = self.warehouse.settings, self.warehouse.client, self._relations()
        if current_since(self.warehouse) or any(there.get(each) != labels for each, labels in self._made.items()):
            return self.like_new(folder, **more)
        for dataset in (settings.dataset, settings.staging_dataset, settings.raw_dataset):
            for each in client.list_tables(dataset):
                if each.table_type == "TABLE":
                    self.warehouse.execute(f"delete from {self.warehouse.name(dataset, each.table_id)} where true")
        return self._with(folder, **more)

    def sinks(self, **tables: str) -> dict[str, str]:
        """Settings by which sinks write into tables of these names; into ones of their own names, if none is given."""
        raw = self.warehouse.settings.raw_dataset
        return {name: f"{raw}.{table}" for name, table in (tables or {name: name for name in SINKS}).items()}

    def _with(self, folder: Path | None, **more: object) -> Warehouse:
        changed = {**more, **({} if folder is None else {"local_dir": folder / "local"})}
        if not changed:
            return self.warehouse
        settings = self.warehouse.settings.model_copy(update=changed)
        return Warehouse(self.warehouse.client, settings, self.warehouse.endpoint)

    def _relations(self) -> dict[Relation, dict[str, str]]:
        """What is there, with its labels: they say what was settled."""
        settings, client = self.warehouse.settings, self.warehouse.client
        datasets = (settings.dataset, settings.staging_dataset, settings.policy_dataset, settings.raw_dataset)
        return {(name, each.table_id): each.labels for name in datasets for each in client.list_tables(name)}

    def _drop_what_was_built(self) -> None:
        client, settings = self.warehouse.client, self.warehouse.settings
        for relation, labels in self._relations().items():
            if self._made.get(relation) != labels:
                client.delete_table(".".join((settings.project, *relation)))
        ensure_ledger(self.warehouse)
        if current_since(self.warehouse) is not None:
            (built,) = Dbt(settings, self.warehouse.endpoint).build_exactly([VIEW])
            assert built.is_success, built.message

    def _delete_rows(self) -> None:
        tables = {table.name: self.warehouse.raw(table.name) for table in ALL}
        counted = (f"select '{name}' as name, count(*) as records from {table}" for name, table in tables.items())
        for row in self.warehouse.rows(f"select name from ({' union all '.join(counted)}) where records > 0"):
            self.warehouse.execute(f"delete from {tables[row['name']]} where true")
