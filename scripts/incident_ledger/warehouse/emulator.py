"""The local warehouse's server process: the BigQuery emulator with our fixes, one a data folder.

Only `local.py` starts it. It binds 127.0.0.1 alone, holds a lock on `FOLDER/server.lock` for as long as it lives (the
kernel lets go of it however the process ends), and writes `FOLDER/server.json` once it answers. It ends by itself

- after `--idle` seconds without a request,
- when the process `--owner` (a test run) is gone, or
- when its folder was deleted,

and on SIGTERM, each time closing the data file cleanly.
"""

import argparse
import asyncio
import fcntl
import json
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from incident_ledger.errors import UserError

FIRST_FREE_PORT = 1024
LOCK_SECONDS = 20.0
"""How long to wait for the lock: the last server may still be closing its file."""


class Activity:
    """When the last request ended, and how many are at work."""

    def __init__(self) -> None:
        self._open = 0
        self._last = time.monotonic()

    def idle_seconds(self) -> float:
        """0 while a request is at work."""
        return 0.0 if self._open else time.monotonic() - self._last

    def counting(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """The ASGI app with its requests counted; asking for its health is no use of it."""

        async def counted(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["path"] == "/healthz":
                await app(scope, receive, send)
                return
            self._open += 1
            try:
                await app(scope, receive, send)
            finally:
                self._open -= 1
                self._last = time.monotonic()

        return counted


def main() -> None:
    """Serve until told to stop. What goes wrong at the start is one JSON line on the descriptor `--ready-fd`."""
    options = _options()
    with os.fdopen(options.ready_fd, "w") as ready:
        try:
            lock = _lock(options.folder)
            asyncio.run(_serve(options, ready, lock))
        except Exception as error:
            traceback.print_exc()  # into the log, first: who hears of the failure ends this process
            _tell(ready, {"error": f"{type(error).__name__}: {error}"})
            sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The local warehouse's server; `incident-ledger warehouse start`.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--memory", required=True)
    parser.add_argument("--idle", type=float, required=True)
    parser.add_argument("--owner", type=int)
    parser.add_argument("--ready-fd", type=int, required=True)
    return parser.parse_args()


def _lock(folder: Path) -> TextIO:
    """The lock of the folder, held until the file is closed. Raises `UserError` when another server has it."""
    file = (folder / "server.lock").open("w")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise UserError(f"Another server is at work on {folder}.") from None
            time.sleep(0.05)
        else:
            return file


async def _serve(options: argparse.Namespace, ready: TextIO, lock: TextIO) -> None:
    # Notes of properties that DuckDB has no use for, one a statement.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    # The emulator takes seconds to import: not before the lock is ours.
    from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
    from bqemulator.observability.logging_ import configure_logging

    configure_logging(level=LogLevel.ERROR, fmt=LogFormat.CONSOLE)
    import bqemulator.server as emulator

    from incident_ledger.warehouse import fixes

    fixes.apply(options.memory)
    activity, create_app = Activity(), emulator.create_app
    emulator.create_app = lambda context: activity.counting(create_app(context))
    state = options.folder / "server.json"
    server = emulator.EmulatorServer(
        Settings(
            rest_host="127.0.0.1",
            rest_port=_port(state),
            grpc_host="127.0.0.1",
            grpc_port=0,
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=options.folder / "data",
            upload_staging_dir=options.folder / "uploads",
            log_level=LogLevel.ERROR,
            log_format=LogFormat.CONSOLE,
            metrics_enabled=False,
        )
    )
    await server.start()
    # A client's kept connection must not be closed under its next request.
    server._fastapi_server.config.timeout_keep_alive = max(60, int(options.idle))
    try:
        about = {
            "endpoint": server.rest_url,
            "pid": os.getpid(),
            "memory": options.memory,
            "idle_seconds": options.idle,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_state(state, about)
        _tell(ready, about)
        await _until_over(options, activity, lock)
    finally:
        if state.is_file():
            # Without a process id nobody is sent here any more; the next server tries to have the same endpoint.
            write_state(state, {"endpoint": server.rest_url})
        await server.stop()


async def _until_over(options: argparse.Namespace, activity: Activity, lock: TextIO) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        if activity.idle_seconds() >= options.idle or not _wanted(options, lock):
            return
        try:
            await asyncio.wait_for(stop.wait(), timeout=min(1.0, options.idle / 4))
        except TimeoutError:
            continue


def _wanted(options: argparse.Namespace, lock: TextIO) -> bool:
    """Whether the owner lives and the folder is still the one that was locked."""
    if options.owner and not _lives(options.owner):
        return False
    try:
        return os.path.samestat((options.folder / "server.lock").stat(), os.fstat(lock.fileno()))
    except FileNotFoundError:
        return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _port(state: Path) -> int:
    """The port of the last server, when nobody else has taken it; else 0, for any free one."""
    try:
        port = int(json.loads(state.read_text())["endpoint"].rsplit(":", 1)[1])
    except (OSError, ValueError, KeyError):
        return 0
    if port < FIRST_FREE_PORT:
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def write_state(path: Path, content: dict[str, Any]) -> None:
    """Write `server.json` all at once: a reader sees the old content or the new."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(path)


def _tell(ready: TextIO, content: dict[str, Any]) -> None:
    if not ready.closed:
        print(json.dumps(content), file=ready)
        ready.close()


if __name__ == "__main__":
    main()
