"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum

from incident_ledger.errors import ExitCode, IncidentLedgerError


class Grade(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One check: what was seen and, unless it is ok, what to do. `exit_code` is what a wrong one ends with."""

    check: str
    grade: Grade
    text: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.USER


def exit_code(findings: list[Finding]) -> ExitCode:
    """0 when nothing is wrong; 2 when something is that the user can fix, else 3."""
    codes = {finding.exit_code for finding in findings if finding.grade is Grade.WRONG}
    return min(codes, default=ExitCode.OK)


def wrong(check: str, error: IncidentLedgerError, remedy: str | None = None, *, text: str | None = None) -> Finding:
    """The finding for an error; `text` in place of the error's own."""
    return Finding(check, Grade.WRONG, text or str(error), remedy, error.exit_code)
