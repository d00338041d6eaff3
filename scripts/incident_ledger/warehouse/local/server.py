"""The local warehouse's server process: the BigQuery emulator with our fixes, one a data folder.

Only `local.py` starts it. It binds 127.0.0.1 alone, holds a lock on `FOLDER/server.lock` for as long as it lives (the
kernel lets go of it however the process ends), makes a token without which it answers nobody (`FOLDER/token`), and
writes `FOLDER/server.json` once it answers. What it makes is its owner's alone. It ends by itself

- after `--idle` seconds without a request,
- when the process `--owner` (a test run) is gone, or
- when its folder was deleted, or the files by which it is found are not its own any more,

and on SIGTERM, each time closing the data file cleanly.
"""

import argparse
import asyncio
import fcntl
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from incident_ledger.collector import collect_seldom
from incident_ledger.errors import UserError
from incident_ledger.private import private_folder, write_private
from incident_ledger.warehouse.local.damage import check_log
from incident_ledger.warehouse.local.guard import guarded, new_token, token_file

FIRST_FREE_PORT, LAST_PORT = 1024, 65535
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
    """Serve until stopped. What goes wrong at the start is one JSON line on the descriptor `--ready-fd`."""
    options = _options()
    os.umask(0o077)
    with os.fdopen(options.ready_fd, "w") as ready:
        try:
            options.folder = private_folder(options.folder.resolve())
            os.chdir(options.folder)
            lock = _lock(options.folder)
            check_log(options.folder)
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
    # The emulator takes seconds to import: not before the lock is taken.
    from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
    from bqemulator.observability.logging_ import configure_logging

    configure_logging(level=LogLevel.ERROR, fmt=LogFormat.CONSOLE)
    import bqemulator.server as emulator

    from incident_ledger.warehouse.local.patches import fixes

    fixes.apply(options.memory)
    activity, create_app, token = Activity(), emulator.create_app, new_token(options.folder)
    emulator.create_app = lambda context: guarded(activity.counting(create_app(context)), token)
    state = options.folder / "server.json"
    server = emulator.EmulatorServer(
        Settings(
            rest_host="127.0.0.1",
            rest_port=_port(state),
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=options.folder / "data",
            upload_staging_dir=options.folder / "uploads",
            log_level=LogLevel.ERROR,
            log_format=LogFormat.CONSOLE,
            metrics_enabled=False,
        )
    )
    await server.start()
    gc.freeze()  # what was imported lives for ever
    collect_seldom()
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
        signs = {state: json.dumps(about).encode(), token_file(options.folder): token.encode()}
        write_private(state, signs[state])
        _tell(ready, about)  # from here on anybody may change the files
        await _until_over(options, activity, lock, signs)
    finally:
        if state.is_file():
            # Without a process id nobody is sent here any more; the next server tries to have the same endpoint.
            write_private(state, json.dumps({"endpoint": server.rest_url}).encode())
        await server.stop()


async def _until_over(
    options: argparse.Namespace, activity: Activity, lock: TextIO, signs: Mapping[Path, bytes]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        if activity.idle_seconds() >= options.idle or not _wanted(options, lock, signs):
            return
        try:
            await asyncio.wait_for(stop.wait(), timeout=min(1.0, options.idle / 4))
        except TimeoutError:
            continue


def _wanted(options: argparse.Namespace, lock: TextIO, signs: Mapping[Path, bytes]) -> bool:
    """Whether the owner lives, and whoever looks into the folder still finds this server."""
    if options.owner and not _lives(options.owner):
        return False
    try:
        is_ours = os.path.samestat((options.folder / "server.lock").stat(), os.fstat(lock.fileno()))
        return is_ours and all(path.read_bytes() == content for path, content in signs.items())
    except OSError:
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
        port = int(str(json.loads(state.read_bytes())["endpoint"]).rsplit(":", 1)[1])
        if not FIRST_FREE_PORT <= port <= LAST_PORT:
            return 0
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return 0  # nothing that a server wrote, or somebody else's port
    return port


def _tell(ready: TextIO, content: dict[str, Any]) -> None:
    if not ready.closed:
        print(json.dumps(content), file=ready)
        ready.close()


if __name__ == "__main__":
    main()
