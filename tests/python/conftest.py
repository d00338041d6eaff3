"""What the tests share: one local warehouse a test process, and fresh datasets a test."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from engines.recorder import recorder  # noqa: F401  # every statement that is sent is read by Google's analyzer
from incident_ledger import dbt_runner
from incident_ledger.collector import collect_seldom
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.local.process import start, stop
from incident_ledger.warehouse.tables import ensure_tables
from parsed import ParsedOnce
from reused import Reused

collect_seldom()  # as a command does

PROJECT_DIR = Path(__file__).resolve().parents[2]
SHARED_DATA = Path(os.environ.get("INCIDENT_LEDGER_SHARED_DATA", PROJECT_DIR.parent / "shared" / "data"))


# Folders whose tests share what takes long to make: one test process has all of them.
TOGETHER = {"engines", "marts", "metabase", "run", "usage"}


class _TogetherScheduling(LoadScopeScheduling):
    """The tests of a file, or of a folder of `TOGETHER`, in one process.

    xdist's own groups (`--dist loadgroup`) have no effect under pytest 9.2, which ignores the node ids that they write.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return str(path.parent if path.parent.name in TOGETHER else path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _TogetherScheduling:
    """Who runs which tests, of `--numprocesses`."""
    return _TogetherScheduling(config, log)


# Folders and files whose tests start whole processes (servers, commands, dbt) by themselves.
WITH_PROCESSES = {
    "benchmark",
    "doctor",
    "engines",
    "run",
    "terminal",
    "test_lint.py",
    "test_schedule.py",
    "test_project_rules.py",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: they are few and long, and the other process has the many short ones meanwhile.

    What needs a whole process is marked `process`, by its folder or by the server that it uses.
    """
    items.sort(key=lambda item: "run" not in item.path.parts)
    for item in items:
        uses_server = {"endpoint", "unfixed_endpoint", "folder"} & set(getattr(item, "fixturenames", ()))
        if uses_server or WITH_PROCESSES & set(item.path.parts):
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data to develop against, which the project does not ship."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data is not here ({SHARED_DATA}); INCIDENT_LEDGER_SHARED_DATA names another folder")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def parsed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """dbt, called in this process, parses the project once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_runner, "environment", ParsedOnce(PROJECT_DIR, tmp_path_factory.mktemp("target")).environment)
        yield


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One local warehouse for the whole test process, whose token is in every environment."""
    folder = tmp_path_factory.mktemp("warehouse")
    # Whole runs with a server of their own may take longer than one is idle by default; it ends with its owner.
    server = start(folder, owner=os.getpid(), idle=4 * 3600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INCIDENT_LEDGER_API_TOKEN", server.token.get_secret_value())
        yield server.endpoint
    stop(folder)


@pytest.fixture
def settings(endpoint: str, tmp_path: Path) -> Settings:
    """Settings with datasets that no other test uses."""
    return fresh_settings(endpoint, tmp_path)


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    """The local warehouse with the runner's tables in fresh datasets."""
    warehouse = connect(settings)
    ensure_tables(warehouse)
    return warehouse


@pytest.fixture(scope="session")
def reused(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Reused:
    """Tables, policy and `incident_state` in datasets of their own: dbt once for all tests that use `ledger`."""
    return Reused(connect(fresh_settings(endpoint, tmp_path_factory.mktemp("ledger"))))


@pytest.fixture(scope="session")
def built_ledger(reused: Reused) -> Warehouse:
    """The ledger of all tests, with whatever the last of them left in it."""
    return reused.warehouse


@pytest.fixture
def ledger(reused: Reused) -> Warehouse:
    """A ledger in which nothing happened, nothing was sent and nobody ran."""
    return reused.like_new()


def fresh_settings(endpoint: str, folder: Path, **more: object) -> Settings:
    """Settings for datasets of a new name."""
    name = f"t{uuid.uuid4().hex[:10]}"
    return Settings(
        project_dir=PROJECT_DIR,
        api_endpoint=endpoint,
        local_dir=folder / "local",
        dataset=name,
        raw_dataset=f"{name}_raw",
        **more,
    )
