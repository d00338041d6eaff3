"""`python -m incident_ledger` is the command `incident-ledger`."""

from incident_ledger.cli import main

if __name__ == "__main__":
    main()
