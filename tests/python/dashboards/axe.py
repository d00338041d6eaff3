"""axe-core (npm) in a page of the real browser: what keeps people from it who read by ear or by keyboard."""

import json
from typing import Any

import pytest

from conftest import PROJECT_DIR
from dashboards.browser import CHROMIUM, Page

AXE = PROJECT_DIR / "tests" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(
    CHROMIUM is None or not AXE.is_file(),
    reason="Chromium or npm's packages are not here: npm ci --prefix tests/npm --ignore-scripts",
)


def serious_findings(page: Page) -> list[str]:
    """The rules that axe-core finds broken, serious or critical, each with the first element."""
    page.value(AXE.read_text(encoding="utf-8") + "; true")
    found: list[dict[str, Any]] = page.value(
        "axe.run(document, {resultTypes: ['violations']}).then(done => done.violations)"
    )
    return [
        f"{each['id']}: {each['help']}: {json.dumps(each['nodes'][0]['html'])[:300]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
