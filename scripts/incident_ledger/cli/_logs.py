"""What libraries and we ourselves log: lines on standard error, as the console shows all that comes from outside."""

import logging


class _Log(logging.Handler):
    """Warnings and worse. The console is imported when there is one to show: help and completion have none."""

    def emit(self, record: logging.LogRecord) -> None:
        from incident_ledger.cli._console import err

        err.print(f"{record.levelname.lower()}: {record.getMessage()}", style="dim", soft_wrap=True)


def show_logs() -> None:
    """Print logs here from now on, not by the loggers' own ways to a stream."""
    logging.basicConfig(handlers=[_Log(logging.WARNING)])
    logging.captureWarnings(capture=True)
