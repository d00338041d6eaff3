"""What BigQuery takes is no error for the linter, and what it refuses is one."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROJECT_DIR

VALID = {
    "qualify with a named window and an order": """select
    incident_id,
    severity_level,
    row_number() over newest as place
from operational_metrics
where true
qualify row_number() over newest = 1
window newest as (partition by severity_level order by detection_time desc)
order by incident_id
""",
    "merge from a subquery without an alias": """merge dataset.target as t
using (select id from dataset.source) on t.id = id
when not matched then insert (id) values (id)
""",
}


def lint(path: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sqlfluff", "lint", "--disable-progress-bar"]
    command += ["--config", str(PROJECT_DIR / ".sqlfluff"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("what", VALID)
def test_valid_googlesql_does_not_make_lint_red(what: str, tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    path.write_text(VALID[what])
    done = lint(path)
    assert done.returncode == 0, done.stdout


def test_a_real_error_makes_lint_red(tmp_path: Path) -> None:
    path = tmp_path / "query.sql"
    path.write_text("select incident_id from from operational_metrics\n")
    done = lint(path)
    assert done.returncode == 1
    assert "unparsable" in done.stdout
