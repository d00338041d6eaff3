"""The local warehouse: starts, finds and stops the server process."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from incident_ledger.errors import OutsideError
from incident_ledger.settings import Settings


def ensure_running(settings: Settings) -> str:
    """The endpoint of the running local warehouse; started when it is not."""
    state = settings.local_path / "server.json"
    if state.is_file():
        endpoint = json.loads(state.read_text())["endpoint"]
        if _healthy(endpoint):
            return endpoint
    return start(settings.local_path)


def start(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as a, socket.socket() as b:
        a.bind(("127.0.0.1", 0))
        b.bind(("127.0.0.1", 0))
        rest, grpc = a.getsockname()[1], b.getsockname()[1]
    endpoint = f"http://127.0.0.1:{rest}"
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "incident_ledger.warehouse.emulator",
                "start",
                "--rest-port",
                str(rest),
                "--grpc-port",
                str(grpc),
                "--persistent",
                "--data-dir",
                str(folder / "data"),
                "--log-level",
                "warning",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
    for _ in range(300):
        if _healthy(endpoint):
            (folder / "server.json").write_text(json.dumps({"endpoint": endpoint, "pid": process.pid}))
            return endpoint
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise OutsideError(f"The local warehouse did not start; its log is {folder / 'server.log'}")


def _healthy(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint}/bigquery/v2/projects", timeout=5).status_code < 500
    except httpx.HTTPError:
        return False
