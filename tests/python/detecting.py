"""Detectors built again and again over new records, as runs do: what a run leaves as it is, is made once."""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.dbt_runner import Dbt
from incident_ledger.runner.found_signals import record_found
from incident_ledger.warehouse import Warehouse

_TABLES = ("config.materialized:table", "config.materialized:incremental")


class Detectors:
    """Detectors of a ledger, with all that they read. A build must work, and the data tests of what it builds hold."""

    def __init__(self, ledger: Warehouse, models: Sequence[str]) -> None:
        self._ledger, self._models = ledger, models
        self._names = [name for model in models if (name := model.removeprefix("+")).startswith("int_signals__")]
        self._dbt = Dbt(ledger.settings, ledger.endpoint)

    def detect(self, at: datetime, *, views: bool = False) -> int:
        """Build what is there; how many signals changed.

        Of what was built before, only the tables: views read by name, and seeds do not change. With `views` those as
        well, and their data tests.
        """
        models = self._models
        if not views and all(self._is_there(name) for name in self._names):
            models = [f"{model},{table}" for model in models for table in _TABLES]
        results = self._dbt.build(models, as_of=at)
        assert "\n".join(each.message for each in results if not each.is_success) == ""
        assert set(self._names) <= {each.name for each in results}
        return record_found(self._ledger, self._names)

    def _is_there(self, name: str) -> bool:
        return self._ledger.table_exists(self._ledger.settings.staging_dataset, name)
