"""The walkthrough in the documents, typed again: its commands, what they print, and what of that is of a day."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from conftest import PROJECT_DIR
from incident_ledger.cli._app import app

DOCUMENT = PROJECT_DIR / "analyses" / "incident_walkthrough.md"
_OF_A_DAY = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"INC-\d{8}T\d{6}Z-[0-9a-f]{8}", "INC-ID"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z)?", "TIME"),
    (r"\d\d:\d\d(:\d\d)?", "TIME"),
    (r"[+-]?\d+(\.\d+)? (min|minutes?|seconds?|s|h|hours?)\b", "SPAN"),
    (r"[+-]?\d+\.\d+", "NUMBER"),
    (r"by \w+", "by SOMEBODY"),
    (r" +", " "),
)


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Each command with what the document prints below it."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed.rstrip()


def printed(command: str, folder: Path) -> str:
    """What a command prints, in a folder."""
    if not command.startswith("incident-ledger "):
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.rstrip()
    result = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.output.rstrip().splitlines())


def timeless(text: str) -> list[str]:
    """The words that are the same on any day."""
    for pattern, word in _OF_A_DAY:
        text = re.sub(pattern, word, text)
    return text.split()
