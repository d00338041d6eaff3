"""Try the whole catalogue on a local warehouse of its own; write what it proved and the page that lists it.

`python -m engines.catalogue` in `tests/python`. It takes about a quarter of an hour.
"""

import os
import sys
import tempfile
from pathlib import Path

from engines.catalogue import document, report
from incident_ledger.settings import Settings
from incident_ledger.warehouse import connect
from incident_ledger.warehouse.functions import check
from incident_ledger.warehouse.local import start, stop

_HEAD = "# The keys of which every expression of the catalogue was equal; made by `python -m engines.catalogue`.\n"


def main() -> None:
    """Candidates first, then those of them of which an expression was equal."""
    _write(report.candidates())
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder), owner=os.getpid())
        try:
            token = server.token
            settings = Settings(project_dir=document.PROJECT_DIR, api_endpoint=server.endpoint, api_token=token)
            warehouse = connect(settings)
            warehouse.client.create_dataset(settings.dataset, timeout=60)
            made = report.compare(warehouse, report.all_cases())
        finally:
            stop(Path(folder))
    _write(report.candidates() & made.equal_keys)
    document.PATH.write_text(document.document(), encoding="utf-8")
    sys.stdout.write("\n".join([*made.wrong, made.summary()]) + "\n")
    sys.exit(bool(made.wrong))


def _write(keys: set[str]) -> None:
    check.PROVEN.write_text(_HEAD + "".join(f"{key}\n" for key in sorted(keys)), encoding="utf-8")
    check.proven.cache_clear()
    check.refusal.cache_clear()


if __name__ == "__main__":
    main()
