"""The command line as a process that hears Ctrl-C."""

import sys

# Also when these tests themselves were started to ignore it (`make test &` in a script).
_HEARING = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
_HEARING += "runpy.run_module('incident_ledger', run_name='__main__')"


def interruptible(*arguments: str) -> list[str]:
    """The words that start `incident-ledger` with these arguments."""
    return [sys.executable, "-c", _HEARING, *arguments]
