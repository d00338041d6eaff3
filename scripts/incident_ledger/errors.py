"""Every error that Incident Ledger raises on purpose, and the exit code that each one gives.

    IncidentLedgerError
    ├── UserError            2   the input, a setting or an argument is wrong: the text says what to do
    ├── OutsideError         3   the warehouse, dbt or a network did not do its part
    │   └── StatementError   3   the warehouse refused a statement or a job, and says why
    └── LeaseHeldError       4   another run is at work

Exit codes of every command: 0 done, and nothing is open at P0 or P1; 1 done, and something is open at P0 or P1
(`run`, `tick`) or breaches at P1 or worse (`quality check`); 2, 3 and 4 as above; 5 done, but some records were
rejected (`import`, `load`): `incident-ledger rejects list` shows them.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a scheduler can act on."""

    OK = 0
    ALARM = 1
    USER = 2
    OUTSIDE = 3
    BUSY = 4
    REJECTS = 5


class IncidentLedgerError(Exception):
    """Base of all. `str()` is the whole message for a person: what was wrong, where, and what to do."""

    exit_code = ExitCode.OUTSIDE


class UserError(IncidentLedgerError):
    """The person who called can mend it: a file, a setting, an argument."""

    exit_code = ExitCode.USER


class OutsideError(IncidentLedgerError):
    """Something that we depend on failed. `detail` has the query or command, the code and the last lines."""

    exit_code = ExitCode.OUTSIDE

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class StatementError(OutsideError):
    """The warehouse refused. `reason` is BigQuery's word for it: invalidQuery, notFound, accessDenied, …"""

    def __init__(self, message: str, *, reason: str, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.reason = reason


class LeaseHeldError(IncidentLedgerError):
    """Another run holds the lease."""

    exit_code = ExitCode.BUSY
