"""One browser for all tests of pages."""

from collections.abc import Iterator

import pytest

from dashboards.browser import Page, browser


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A tab of a real browser."""
    with browser(tmp_path_factory.mktemp("browser")) as tab:
        yield tab
