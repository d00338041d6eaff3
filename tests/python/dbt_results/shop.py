"""A dbt project of another shape, on the local warehouse: one bad account runs through three layers of models."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.warehouse import Warehouse

FILES = {
    "dbt_project.yml": """
        name: shop
        profile: incident_ledger
        models: {+materialized: table}
        flags: {send_anonymous_usage_stats: false}
        """,
    "models/bronze.sql": """
        select 1 as id, 'ann' as account
        union all
        select 2, {bad}
        union all
        select 3, 'bob'
        union all
        select 4, 'eve'
        """,
    "models/silver.sql": "select * from {{ ref('bronze') }}",
    "models/gold.sql": "select * from {{ ref('silver') }}",
    "models/models.yml": """
        groups:
          - {name: sales, owner: {email: sales@example.com}}
        models:
          - name: bronze
            config: {group: sales}
            columns:
              - {name: account, data_tests: [not_null]}
          - name: silver
            columns:
              - {name: account, data_tests: [not_null]}
          - name: gold
            columns:
              - name: account
                data_tests:
                  - not_null: {config: {severity: warn}}
              - {name: id, data_tests: [unique]}
        """,
}


class Shop:
    """The project in a folder of its own; `run` builds and tests it, each time into a target folder of its own."""

    def __init__(self, folder: Path, warehouse: Warehouse, more: Mapping[str, str] | None = None) -> None:
        self._folder, self._runs, self._files = folder, 0, {**FILES, **(more or {})}
        self.failed: list[str] = []
        folder.mkdir()
        shutil.copy(PROJECT_DIR / "profiles.yml", folder)
        self._settings = warehouse.settings.model_copy(
            update={"project_dir": folder, "dataset": f"{warehouse.settings.dataset}_shop"}
        )
        self._endpoint = warehouse.endpoint

    def run(
        self,
        *,
        bad: str = "'zoe'",
        args: Sequence[str] = ("build",),
        variables: Mapping[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> Path:
        """The target folder of a run in which account 2 is `bad`: a text or a null, as SQL."""
        self._runs += 1
        target = self._folder / f"target{self._runs}"
        for name, text in self._files.items():
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            lines = [line[8:] if line.startswith(" " * 8) else line for line in text.strip("\n").splitlines()]
            path.write_text("\n".join(lines).format(bad=bad) if name.startswith("models/b") else "\n".join(lines))
        dbt = Dbt(self._settings, endpoint or self._endpoint)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBT_TARGET_PATH", str(target))
            results = dbt.invoke(list(args), variables={"run": self._runs, **(variables or {})})
        self.failed = [each.unique_id for each in results if each.is_error]
        return target
