"""The project's dashboards, compiled once for all tests of Metabase."""

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.metabase.content import Content
from incident_ledger.metabase.definitions import load_content
from incident_ledger.settings import Settings


@pytest.fixture(scope="session")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """What Metabase is to have."""
    folder = tmp_path_factory.mktemp("dbt")
    settings = Settings(project_dir=PROJECT_DIR, api_endpoint="http://127.0.0.1:1", local_dir=folder)
    return load_content(settings, Dbt(settings, settings.api_endpoint))
