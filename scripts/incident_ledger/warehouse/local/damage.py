"""A data file of the local warehouse that cannot be read: the error for it, with what is lost and what to do."""

import re
from pathlib import Path

from incident_ledger.errors import UserError

_DAMAGE = re.compile(
    r"version number|[Ss]erializ|not a valid DuckDB|[Cc]orrupt|storage version|Could not read enough bytes|checksum"
)
_DAMAGE_WHILE_READING = re.compile(r"Corrupt database file|Could not read enough bytes from file")
_LOG = re.compile(r"replaying WAL|Corrupt WAL")
_LOG_BEGINS = bytes.fromhex("640062")  # every log that DuckDB 1.5.5 writes; it passes over what begins otherwise


def damage(words: str, where: str, *, is_start: bool) -> UserError | None:
    """The error for DuckDB's words about a file; None when they are about something else.

    `where` names the folder or the server; `is_start`: they are about the file as a whole, not of a statement.
    """
    if is_start and _LOG.search(words):
        return _log_damage(where)
    if not (_DAMAGE if is_start else _DAMAGE_WHILE_READING).search(words):
        return None
    return _data_damage(where, words.partition("\n")[0][:200])


def check_log(folder: Path) -> None:
    """Raise `UserError` when DuckDB's log of what was written last is not one: it would be ignored silently."""
    log = folder / "data" / "bqemulator.duckdb.wal"
    begins = log.read_bytes()[: len(_LOG_BEGINS)] if log.is_file() else b""
    if not _LOG_BEGINS.startswith(begins):
        raise _log_damage(str(folder))


def _data_damage(where: str, reason: str) -> UserError:
    return UserError(
        f"The data of the local warehouse in {where} cannot be read: the file is damaged, or another version of DuckDB "
        f"wrote it ({reason}). Put a backup of its folder `data` back. Without one all tables are lost, incidents and "
        "checks too: `incident-ledger warehouse reset` makes a new one; INCIDENT_LEDGER_LOCAL_DIR names another folder."
    )


def _log_damage(where: str) -> UserError:
    return UserError(
        f"The log of the local warehouse in {where} (data/*.wal) is damaged: what was written last cannot be read. "
        "Put a backup of its folder `data` back; or move the .wal file away, and what is older opens; "
        "or `incident-ledger warehouse reset` makes a new one."
    )
