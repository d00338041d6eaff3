"""Messages as files, for a machine that they do not leave."""

from pathlib import Path

from incident_ledger.errors import UserError
from incident_ledger.notify.channels.base import Envelope, Outcome, Result
from incident_ledger.notify.channels.mime import email_bytes
from incident_ledger.private import private_folder, write_private

FOLDER = "folder"


class FolderChannel:
    """`.eml` files named by message id. Each is written beside its place and moved there, so that none is half."""

    is_idempotent = True

    def __init__(self, folder: Path, sender: str, name: str = FOLDER) -> None:
        self.name = name
        self.folder = folder
        self._sender = sender

    def send(self, envelope: Envelope) -> Result:
        """Write the file, or leave an equal one."""
        target = self.folder / f"{envelope.message_id}.eml"
        try:
            data = email_bytes(envelope, self._sender, envelope.recipients)
            private_folder(self.folder)
            if not target.is_file() or target.read_bytes() != data:
                write_private(target, data)
        except (OSError, UserError) as error:
            return Result(Outcome.FAILED, str(error))
        return Result(Outcome.SENT)
