"""The dbt project parsed once for the tests of one process, whatever datasets they use.

dbt parses the whole project again (five seconds) where the dataset is another one than at the last parse, and test
processes that share `target/` undo each other's. So each process has a folder of its own, and where the dataset
changes, its name is put in place of the last one in what dbt saved: names that are made up, of one length.
"""

import os
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from incident_ledger import dbt_runner
from incident_ledger.settings import Settings

_TARGET = "DBT_TARGET_PATH"
_MADE_UP = re.compile("t[0-9a-f]{10}")  # by `fresh_settings`; it stands for nothing else in what is saved


class ParsedOnce:
    """What `dbt_runner.environment` gives, with a folder for what dbt writes.

    A test that names a folder of its own, or has a project of its own, is left alone.
    """

    def __init__(self, project: Path, folder: Path) -> None:
        self._project, self._folder = project, folder
        self._last: str | None = None
        self._environment: Callable[..., dict[str, str]] = dbt_runner.environment

    def environment(self, settings: Settings, *args: Any, **options: Any) -> dict[str, str]:
        """The variables of one invocation of dbt."""
        variables = self._environment(settings, *args, **options)
        if _TARGET in os.environ or settings.project_dir != self._project:
            return variables
        if not _MADE_UP.fullmatch(settings.dataset) or settings.raw_dataset != f"{settings.dataset}_raw":
            return {**variables, _TARGET: str(self._folder / settings.dataset)}
        _ignore_the_dataset_when_comparing()
        self._rename(settings.dataset)
        return {**variables, _TARGET: str(self._folder)}

    def _rename(self, dataset: str) -> None:
        saved, last, self._last = self._folder / "partial_parse.msgpack", self._last, dataset
        if last not in (None, dataset) and saved.exists():
            saved.write_bytes(saved.read_bytes().replace(last.encode(), dataset.encode()))


def _ignore_the_dataset_when_comparing() -> None:
    """The dataset is of the connection, by whose hash dbt decides whether what it saved is of use."""
    from dbt.parser.manifest import ManifestLoader

    original = ManifestLoader.build_manifest_state_check
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def build_manifest_state_check(self: Any) -> Any:
        credentials = self.root_project.credentials
        dataset, credentials.schema = credentials.schema, ""
        try:
            return original(self)
        finally:
            credentials.schema = dataset

    ManifestLoader.build_manifest_state_check = build_manifest_state_check
