"""The command `incident-ledger`, also as `python -m incident_ledger`."""

import sys

from incident_ledger.collector import collect_seldom
from incident_ledger.interrupts import handle_interrupts, interrupt_noted

# As `errors.ExitCode` has them, which is not imported yet when an import is interrupted or fails.
_FAULT, _INTERRUPTED = 70, 130


def main() -> None:
    """Run it. Imports take a second in which a person may have changed their mind, too."""
    try:
        handle_interrupts()
        collect_seldom()
        from incident_ledger.cli._app import main as run

        run()
    except (KeyboardInterrupt, SystemExit) as end:
        interrupt_noted()
        code = end.code if isinstance(end, SystemExit) else _INTERRUPTED
        if code == _INTERRUPTED:
            sys.stderr.write("stopped\n")
        sys.exit(code)
    except Exception:  # a module that cannot be imported; what happens in a command is seen to in `cli`
        sys.excepthook(*sys.exc_info())
        sys.exit(_FAULT)


if __name__ == "__main__":
    main()
