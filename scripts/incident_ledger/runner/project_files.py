"""The checksum of what the warehouse is built from: the dbt project's files, our version, and the names in settings."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from incident_ledger.dbt_runner import environment
from incident_ledger.encoding import canonical
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX

_FILES = ("dbt_project.yml", "selectors.yml")
_FOLDERS = ("models", "macros", "seeds", "tests/dbt")
_KINDS = {".sql", ".yml", ".yaml", ".md"}  # the seeds' rows are in their tables, which say when they were modified
# Of the settings, what SQL holds.
_NAMES = ("TARGET", "PROJECT", "DATASET", "RAW_DATASET", "JOBS", "PIPELINE_LOGS", "AUDIT_LOGS", "KEY_INVENTORY")


def project_checksum(settings: Settings) -> str:
    """Equal for equal files, packages and names. Reads some hundred small files."""
    names = environment(settings, None, None)
    seen = hashlib.sha256(canonical([names[PREFIX + name] for name in _NAMES]).encode())
    for package in ("incident-ledger", "dbt-core", "dbt-bigquery"):
        seen.update(f"{package} {version(package)}\n".encode())
    for path in _paths(settings.project_dir):
        seen.update(f"{path.relative_to(settings.project_dir).as_posix()}\n".encode())
        seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:32]


def _paths(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in _FILES)
    for name in _FOLDERS:
        yield from sorted(path for path in (folder / name).rglob("*") if path.suffix in _KINDS and path.is_file())
