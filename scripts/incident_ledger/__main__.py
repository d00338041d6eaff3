"""The command `incident-ledger`, also as `python -m incident_ledger`."""

import sys


def main() -> None:
    """Run it. Imports take a second in which a person may have changed their mind, too."""
    try:
        from incident_ledger.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
