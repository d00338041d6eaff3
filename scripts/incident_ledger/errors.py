"""Every error that Incident Ledger raises on purpose, and the exit code that each one gives.

    IncidentLedgerError
    ├── UserError            2   the input, a setting or an argument is wrong: the text says what to do
    ├── OutsideError         3   the warehouse, dbt or a network failed
    │   └── StatementError   3   the warehouse refused a statement or a job, and why
    └── LeaseHeldError       4   another run or tick is at work

`ExitCode` has the table of all codes; README and `--help` show the same.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a scheduler can act on. `meaning` is the whole table, for `--help` and README."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "ExitCode":
        """A code and its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "done, whatever is open"
    ALARM = 1, "done, and something of the severity of `--fail-on` or worse is open or in breach"
    USER = 2, "your input, an option or a setting: nothing was done"
    OUTSIDE = 3, "the warehouse, dbt, a channel or a network failed; what could be done was"
    BUSY = 4, "another run or tick is at work"
    REJECTS = 5, "done, but some records were rejected"
    FAULT = 70, "a fault of Incident Ledger itself"
    INTERRUPTED = 130, "stopped by Ctrl-C"


class IncidentLedgerError(Exception):
    """Base of all. `str()` is the whole message for a person: what was wrong, where, and what to do."""

    exit_code = ExitCode.OUTSIDE


class UserError(IncidentLedgerError):
    """The person who called can fix it: a file, a setting, an argument."""

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
