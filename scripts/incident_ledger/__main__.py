"""The command `incident-ledger`, also as `python -m incident_ledger`."""

import sys

from incident_ledger.interrupts import handle_interrupts, interrupt_noted

_INTERRUPTED = 130  # as a shell says it


def main() -> None:
    """Run it. Imports take a second in which a person may have changed their mind, too."""
    try:
        handle_interrupts()
        from incident_ledger.cli import main as run

        run()
    except (KeyboardInterrupt, SystemExit) as end:
        interrupt_noted()
        code = end.code if isinstance(end, SystemExit) else _INTERRUPTED
        if code == _INTERRUPTED:
            sys.stderr.write("stopped\n")
        sys.exit(code)


if __name__ == "__main__":
    main()
