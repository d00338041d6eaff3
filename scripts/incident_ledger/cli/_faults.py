"""A fault of ours in one line: what it is, and where its traceback is."""

import os
import tempfile
import traceback
from pathlib import Path

from incident_ledger.variables import PREFIX

_PACKAGE = Path(__file__).resolve().parents[1]


def described(error: Exception) -> tuple[str, str]:
    """The line, and the traceback itself where the settings ask for it or no file can be written."""
    trace = "".join(traceback.format_exception(error))
    what = f"this is a fault of incident-ledger: {type(error).__name__}{_place(error)}: {error}"
    if os.environ.get(f"{PREFIX}DEBUG", "").lower() in {"1", "true", "yes", "on"}:
        return what, trace
    try:
        handle, name = tempfile.mkstemp(prefix="incident-ledger-", suffix=".traceback")  # for its owner alone
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace)
    except OSError:
        return what, trace
    return f"{what}. Its traceback is in {name}; {PREFIX}DEBUG=1 shows it here.", ""


def _place(error: Exception) -> str:
    """The innermost line of ours."""
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    return f" in {Path(ours[-1].filename).relative_to(_PACKAGE)}, line {ours[-1].lineno}" if ours else ""
