"""`incident-ledger doctor`: what is right, what is not, and what to do about it."""

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from incident_ledger.cli._console import Text, out, to_json, write_text
from incident_ledger.doctor.diagnosis import examine
from incident_ledger.doctor.findings import Finding, Grade, exit_code

_STYLES = {Grade.OK: "green", Grade.WARN: "yellow", Grade.WRONG: "red"}


def doctor(as_json: bool) -> None:
    """Check settings, credentials, datasets, rights, policy, channels, suites and versions; say what to do."""
    findings: list[Finding] = []
    for finding in examine(datetime.now(UTC)):
        findings.append(finding)
        if not as_json:
            _print(finding)
    code = exit_code(findings)
    if as_json:
        shown = [{key: value for key, value in asdict(finding).items() if key != "exit_code"} for finding in findings]
        write_text(to_json({"exit_code": int(code), "findings": shown}))
    else:
        count = {grade: sum(finding.grade is grade for finding in findings) for grade in Grade}
        text = f"{count[Grade.OK]} ok, {count[Grade.WARN]} to look at, {count[Grade.WRONG]} wrong"
        out.print(text)
    raise typer.Exit(int(code))


def _print(finding: Finding) -> None:
    line = Text.assemble((f"{finding.grade:<6}", _STYLES[finding.grade]), f"{finding.check:<14}", finding.text)
    out.print(line, soft_wrap=True)
    if finding.remedy:
        out.print(Text(f"{'':<20}→ {finding.remedy}", style="dim"), soft_wrap=True)
