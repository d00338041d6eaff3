"""What the tests of the two engines share: the project compiled and analysed once a session."""

import pytest

from conftest import PROJECT_DIR, SHARED_DATA, fresh_settings
from engines.built import Built, build
from engines.project import Analysis, Project, analyze_project, compile_project
from incident_ledger.importers.sinks import SINKS
from incident_ledger.settings import Settings

ALL, LAST_MONTHS = "2023-01-01", "2025-10-01"  # of an archive of 2023 to 2025


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reads the statements of all tests runs after them."""
    items.sort(key=lambda item: item.name == "test_every_statement_that_the_tests_sent_is_accepted_by_google")


@pytest.fixture(scope="session")
def compiled_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with the production names: nothing is sent anywhere."""
    return Settings(
        project_dir=PROJECT_DIR,
        api_endpoint="http://127.0.0.1:1",
        local_dir=tmp_path_factory.mktemp("local"),
        jobs="region-us.INFORMATION_SCHEMA.JOBS",
        pipeline_logs="logs.pipeline_logs",
        audit_logs="logs.audit_logs",
        key_inventory="logs.key_inventory",
    )


@pytest.fixture(scope="session")
def project(compiled_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Every query of the dbt project, compiled."""
    return compile_project(compiled_settings, tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def analysis(project: Project, compiled_settings: Settings) -> Analysis:
    """What Google's analyzer says of them."""
    return analyze_project(project, compiled_settings)


@pytest.fixture(scope="session", params=[pytest.param(ALL, marks=pytest.mark.soak, id="all"), LAST_MONTHS])
def archive_since(request: pytest.FixtureRequest) -> str:
    """From which day on the archive is taken: of all of it, Google's engine compares each incident with each."""
    return str(request.param)


@pytest.fixture(scope="session")
def built(endpoint: str, archive_since: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The project built on the local warehouse, over the real archive where that is here."""
    settings = fresh_settings(endpoint, tmp_path_factory.mktemp("built"))
    # The emulator has no view of jobs: a table stands for it.
    tables = {name: f"{settings.raw_dataset}.{name}" for name in ("jobs", *SINKS)}
    return build(settings.model_copy(update=tables), SHARED_DATA, archive_since)
