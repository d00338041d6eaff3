"""The local warehouse's server process: the BigQuery emulator with our fixes.

`python -m incident_ledger.warehouse.emulator start …` takes the emulator's own arguments.
"""

import incident_ledger.warehouse.emulator_fixes  # noqa: F401
from bqemulator.cli import main

if __name__ == "__main__":
    main()
