"""The local warehouse: starts, finds, describes and stops its server process.

One server a folder, enforced by a lock that the server keeps as long as it lives, so that a stale `server.json`, a
dead process or a process id used again mislead nobody. Whoever needs the warehouse calls `ensure_running`; several
may do so at once. The server ends by itself when nobody used it for a while (`server.py`), or by `stop`.
"""

import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from incident_ledger.errors import OutsideError, UserError
from incident_ledger.private import private_files, private_folder, write_private
from incident_ledger.settings import Settings
from incident_ledger.warehouse.local.damage import damage
from incident_ledger.warehouse.local.guard import token_file

START_SECONDS = 90.0
STOP_SECONDS = 20.0
HEALTH_SECONDS = 2.0
MAX_LOG_BYTES = 2_000_000
DATA = ("data", "uploads", "outbox", "server.json", "token")
"""What `reset` deletes: the tables, and the messages that were sent because of them."""
_STATE: dict[str, Any] = {
    "endpoint": str,
    "pid": int,
    "memory": str,
    "idle_seconds": float | int,
    "started_at": str,
}
"""What `server.json` holds."""
_NEEDED = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE"}
_NEEDED_KINDS = ("LC_", "PYTHON", "COVERAGE_", "MALLOC_")
"""What the server inherits of its starter's environment, by name and by how a name begins."""


class Server(NamedTuple):
    """Where a server is, and what it must be shown."""

    endpoint: str
    token: SecretStr


@dataclass(frozen=True)
class Status:
    """What is known of the local warehouse without sending it a statement.

    `is_busy`: it runs and did not answer within two seconds; one long statement does that. Sizes are bytes.
    """

    folder: Path
    is_running: bool
    is_busy: bool = False
    endpoint: str | None = None
    pid: int | None = None
    started_at: str | None = None
    memory: str | None = None
    idle_seconds: float | None = None
    data_size: int = 0
    resident_size: int | None = None

    @property
    def token_file(self) -> Path:
        """Where its token stands."""
        return token_file(self.folder)


def ensure_running(settings: Settings) -> Server:
    """The server of the local warehouse; started when it is not running.

    Raises `OutsideError` when it cannot start, or `UserError` when its data folder cannot be used.
    """
    return start(settings.local_path, memory=settings.local_memory, idle=settings.local_idle)


def start(folder: Path, *, memory: str = "2GB", idle: float = 600.0, owner: int | None = None) -> Server:
    """The server of `folder`; a new one when there is none.

    `idle` is seconds without a request until it ends by itself; with `owner` it ends with that process too.
    """
    server = _running(folder)
    if server is not None:
        return server
    with _alone(private_folder(folder)):
        # Somebody else may have started it while we waited.
        return _running(folder) or _spawn(folder, memory, idle, owner)


def stop(folder: Path) -> bool:
    """End the server of `folder`, cleanly if it lets us within 20 seconds. False when there was none."""
    if not _is_locked(folder):
        return False
    with _alone(folder):
        pid = _state(folder).get("pid")
        if pid is None or not _is_locked(folder):
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(pid, number)
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline:
                if not _is_locked(folder):
                    _reap(pid)
                    return True
                time.sleep(0.05)
    raise OutsideError(f"The local warehouse (process {pid}) does not end.")


def reset(folder: Path) -> None:
    """Stop the server and delete what it holds, and the outbox beside it."""
    stop(folder)
    if not folder.is_dir():
        return
    with _alone(folder):
        if _is_locked(folder):
            raise OutsideError(
                f"Another command started the local warehouse of {folder} meanwhile; nothing was deleted."
            )
        for name in DATA:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def status(folder: Path) -> Status:
    """How the local warehouse of `folder` is; never starts it."""
    data = sum(path.stat().st_size for path in (folder / "data").glob("*") if path.is_file())
    state = _state(folder)
    endpoint, token = state.get("endpoint"), _token(folder)
    if endpoint is None or not state.get("pid") or not _is_locked(folder):
        return Status(folder=folder, is_running=False, data_size=data)
    return Status(
        folder=folder,
        is_running=True,
        is_busy=token is None or not _answers(Server(endpoint, token)),
        endpoint=endpoint,
        pid=state.get("pid"),
        started_at=state.get("started_at"),
        memory=state.get("memory"),
        idle_seconds=state.get("idle_seconds"),
        data_size=data,
        resident_size=_resident(state.get("pid")),
    )


def _spawn(folder: Path, memory: str, idle: float, owner: int | None) -> Server:
    log = folder / "server.log"
    if log.is_file() and log.stat().st_size > MAX_LOG_BYTES:
        log.unlink()
    if "endpoint" in (last := _state(folder)):
        # The process of the last server is gone; its port is asked for again.
        write_private(folder / "server.json", json.dumps({"endpoint": last["endpoint"]}).encode())
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "incident_ledger.warehouse.local.server", "--folder", str(folder)]
    command += ["--memory", memory, "--idle", str(idle), "--ready-fd", str(writer)]
    command += ["--owner", str(owner)] if owner else []
    with private_files(), log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in a terminal is for the command, not for the server that others use
            cwd=folder,
            pass_fds=(writer,),
            env=_inherited() | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        )
    os.close(writer)
    answer = _first_line(reader, START_SECONDS)
    token = _token(folder)
    if "endpoint" in answer and token is not None:
        process.returncode = 0  # it outlives us: no warning that it still runs
        return Server(str(answer["endpoint"]), token)
    process.kill()
    process.wait()
    raise _start_error(folder, str(answer.get("error", "")), log)


def _inherited() -> dict[str, str]:
    """What the server needs of the environment: no setting of the project, no password, no credentials."""
    return {name: value for name, value in os.environ.items() if name in _NEEDED or name.startswith(_NEEDED_KINDS)}


def _first_line(reader: int, seconds: float) -> dict[str, Any]:
    """What the server says of its start; empty when it died without a word or says nothing in time."""
    with os.fdopen(reader) as pipe:
        if not select.select([pipe], [], [], seconds)[0]:
            return {}
        line = pipe.readline()
    content: dict[str, Any] = json.loads(line) if line else {}
    return content


def _start_error(folder: Path, error: str, log: Path) -> Exception:
    if error.startswith("UserError: "):
        return UserError(error.removeprefix("UserError: "))
    if "Could not set lock on file" in error:
        holder = re.search(r"PID (\d+)", error)
        who = f" (process {holder.group(1)})" if holder else ""
        return OutsideError(
            f"The data file of the local warehouse in {folder} is in use by another program{who}. End it, or name "
            "another folder in INCIDENT_LEDGER_LOCAL_DIR."
        )
    if (found := damage(error, str(folder), is_start=True)) is not None:
        return found
    first_line = error.partition("\n")[0][:300]
    return OutsideError(f"The local warehouse did not start; its log is {log}. {first_line}".rstrip())


def _running(folder: Path) -> Server | None:
    """The server that is there; the request also restarts its idle time."""
    state, token = _state(folder), _token(folder)
    # While it starts or ends, the file has no process id.
    if not state.get("pid") or token is None or not _is_locked(folder):
        return None
    server = Server(state["endpoint"], token)
    try:
        status = _ask(server, "/bigquery/v2/projects")
    except (ConnectionRefusedError, OverflowError):  # nobody is there, or no port has that number
        return None
    except (OSError, HTTPException):
        return server  # at work on a long statement
    # Refused: the port is another server's, or this one was restarted since its files were read.
    return server if status == HTTPStatus.OK else None


def _ask(server: Server, path: str) -> int:
    """The status of the answer to a request of two seconds at most; it goes nowhere else."""
    headers = {"Authorization": f"Bearer {server.token.get_secret_value()}"}
    connection = HTTPConnection(server.endpoint.removeprefix("http://"), timeout=HEALTH_SECONDS)
    with closing(connection):
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def _token(folder: Path) -> SecretStr | None:
    try:
        return SecretStr(token_file(folder).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _state(folder: Path) -> dict[str, Any]:
    """What `server.json` says; of what no server would have written, nothing."""
    try:
        content = json.loads((folder / "server.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    known = {name: content[name] for name, kind in _STATE.items() if isinstance(content.get(name), kind)}
    # Only such an address is requested, and only such a process is ever ended.
    if not re.fullmatch(r"http://127\.0\.0\.1:\d{1,5}", known.get("endpoint", "")):
        return {}
    if isinstance(known.get("pid"), bool) or known.get("pid", 2) < 2:
        del known["pid"]
    return known


def _is_locked(folder: Path) -> bool:
    """Whether a server lives there: it holds the lock exclusively, and we only ask for a shared one."""
    try:
        with (folder / "server.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time starts or stops the server of a folder."""
    with private_files():
        file = (folder / "start.lock").open("w")
    with file:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OutsideError(
                        f"Another command has been starting the local warehouse of {folder} for 90 s."
                    ) from None
                time.sleep(0.05)
        yield


def _answers(server: Server) -> bool:
    try:
        return _ask(server, "/healthz") == HTTPStatus.OK
    except (OSError, OverflowError, HTTPException):
        return False


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, OverflowError):
        if _is_server(pid):
            os.kill(pid, number)


def _is_server(pid: int) -> bool:
    """Whether that process is a server of this package, where the system shows it: a damaged file may name any."""
    if not Path("/proc/self/cmdline").exists():
        return pid > 1
    try:
        return b"incident_ledger.warehouse." in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _reap(pid: int) -> None:
    """Leave no zombie when the server was a child of this very process."""
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _resident(pid: int | None) -> int | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
