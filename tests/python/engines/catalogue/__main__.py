"""Try the whole catalogue on a local warehouse of its own; write what it proved and the page that lists it.

`python -m engines.catalogue` in `tests/python`; with names of families it tries those, and writes nothing.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engines.catalogue import document, report
from engines.catalogue.cases import Case
from incident_ledger.settings import Settings
from incident_ledger.warehouse import connect
from incident_ledger.warehouse.local.functions import check
from incident_ledger.warehouse.local.process import start, stop

_HEAD = "# The keys of which every expression of the catalogue was equal; made by `python -m engines.catalogue`.\n"


def main(families: Sequence[str]) -> None:
    """Candidates first, then those of them of which every expression was equal. Of some families nothing is written."""
    before = check.PROVEN.read_text(encoding="utf-8")
    cases = [case for case in report.all_cases() if not families or case.family in families]
    _write(report.candidates())
    try:
        made = _tried(cases)
    finally:
        check.PROVEN.write_text(before, encoding="utf-8")
    if not families:
        _write(report.candidates() & made.equal_keys)
        document.PATH.write_text(document.document(), encoding="utf-8")
    sys.stdout.write("\n".join([*made.wrong, made.summary()]) + "\n")
    sys.exit(bool(made.wrong))


def _tried(cases: Sequence[Case]) -> report.Report:
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder), owner=os.getpid())
        try:
            settings = Settings(project_dir=document.PROJECT_DIR, api_endpoint=server.endpoint, api_token=server.token)
            warehouse = connect(settings)
            warehouse.client.create_dataset(settings.dataset, timeout=60)
            return report.compare(warehouse, cases)
        finally:
            stop(Path(folder))


def _write(keys: set[str]) -> None:
    check.PROVEN.write_text(_HEAD + "".join(f"{key}\n" for key in sorted(keys)), encoding="utf-8")
    check.proven.cache_clear()
    check.refusal.cache_clear()


if __name__ == "__main__":
    main(sys.argv[1:])
