"""Folders and files that only their owner may read: what is in them is the ledger, its messages and its secrets."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incident_ledger.errors import UserError


@contextmanager
def private_files() -> Iterator[None]:
    """What is made in this block is its owner's alone: files of mode 600, folders of mode 700."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def private_folder(folder: Path) -> Path:
    """The folder, made when it is missing, and its owner's alone (mode 700).

    Raises `UserError` when it cannot be made, is somebody else's, or is one that many share (`/tmp`).
    """
    advice = "INCIDENT_LEDGER_LOCAL_DIR names another."
    try:
        with private_files():
            folder.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & stat.S_ISVTX:
            raise UserError(f"The folder {folder} is one that many share; {advice}")
        if mode & 0o077:
            folder.chmod(mode & 0o700)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be made ({error}); {advice}") from None
    return folder


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 600 all at once: a reader sees the old content or the new.

    Each writer has a new file of its own: two at once (a server that ends, another that starts) leave one's content.
    """
    number, new = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
