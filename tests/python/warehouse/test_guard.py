"""Who may speak to the local warehouse: nobody without its token, under another name, or from a web page."""

import http.server
import json
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger.dbt_runner import environment
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.private import private_folder, write_private
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.local import process as local
from incident_ledger.warehouse.local.guard import refusal
from relay import Answer, Relay

from .conftest import run_cli

PORT = 9050
GOOD = {"Host": "127.0.0.1:9050", "Authorization": "Bearer secret"}


def status(headers: dict[str, str]) -> int:
    given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    problem = refusal(given, PORT, "secret")
    return problem.status if problem else 200


def test_the_token_at_the_servers_own_address_passes() -> None:
    assert status(GOOD) == 200
    assert status(GOOD | {"Host": "localhost:9050"}) == 200
    assert status(GOOD | {"Origin": "http://127.0.0.1:9050"}) == 200


@pytest.mark.parametrize(
    "credentials", ["", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2", "Basic secret"]
)
def test_without_the_token_nobody_passes(credentials: str) -> None:
    assert status(GOOD | {"Authorization": credentials}) == 401
    assert status({"Host": GOOD["Host"]}) == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9050", "127.0.0.1", "127.0.0.1:9051", "127.0.0.1.evil.example:9050", ""]
)
def test_under_another_name_nobody_passes(host: str) -> None:
    assert status(GOOD | {"Host": host}) == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:9050", ""])
def test_from_a_foreign_page_nobody_passes(origin: str) -> None:
    assert status(GOOD | {"Origin": origin}) == 403


def test_a_header_given_twice_passes_nobody() -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in GOOD.items()]
    for twice in pairs:
        assert refusal([*pairs, twice], PORT, "secret")
    assert refusal([], PORT, "secret")


PATHS = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/bigquery/v2/projects"),
    ("POST", "/bigquery/v2/projects/p/queries"),
    ("POST", "/bigquery/v2/projects/p/jobs"),
    ("POST", "/upload/bigquery/v2/projects/p/jobs?uploadType=multipart"),
    ("OPTIONS", "/bigquery/v2/projects/p/queries"),
    ("GET", "/nothing"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_path_of_the_server_needs_the_token(endpoint: str, method: str, path: str) -> None:
    answer = httpx.request(method, endpoint + path, content=b'{"query": "select 1"}', timeout=60)
    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers
    token = {"Authorization": f"Bearer {os.environ['INCIDENT_LEDGER_API_TOKEN']}"}
    foreign = httpx.request(method, endpoint + path, headers=token | {"Host": "evil.example"}, timeout=60)
    assert foreign.status_code == 403


@pytest.fixture
def open_umask() -> Iterator[None]:
    """What is made has the widest mode that its maker asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_what_is_in_the_folder_is_its_owners_alone(folder: Path) -> None:
    """Also a file that is on its way into a load job, of which the last part is still to come."""
    folder.mkdir(mode=0o755)
    settings = Settings(project_dir=PROJECT_DIR, local_dir=folder, local_idle=60)
    warehouse = connect(settings)
    warehouse.client.create_dataset("d", timeout=60)
    upload_first_part(warehouse.endpoint, folder, b"a\n" * 2**17)
    warehouse.close()
    modes = {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    kinds = {name: 0o700 if (folder / name).is_dir() else 0o600 for name in modes}
    assert modes == kinds
    assert {"token", "server.json", "server.log", "server.lock", "start.lock", "data", "uploads"} < modes.keys()
    assert sum(name.startswith("uploads/") and mode == 0o600 for name, mode in modes.items()) == 1


def upload_first_part(endpoint: str | None, folder: Path, part: bytes) -> None:
    """Begin a load job whose file comes in parts, and send the first of them."""
    token = {"Authorization": f"Bearer {(folder / 'token').read_text()}"}
    target = {"projectId": "ai-workflows-459123", "datasetId": "d", "tableId": "t"}
    job = {"configuration": {"load": {"destinationTable": target, "sourceFormat": "CSV", "autodetect": True}}}
    url = f"{endpoint}/upload/bigquery/v2/projects/{target['projectId']}/jobs?uploadType=resumable"
    begun = httpx.post(url, json=job, headers=token, timeout=60)
    assert begun.status_code == 200, begun.text
    span = {"Content-Range": f"bytes 0-{len(part) - 1}/{2 * len(part)}"}
    sent = httpx.put(begun.headers["location"], content=part, headers=token | span, timeout=60)
    assert sent.status_code == 308, sent.text


def test_a_folder_that_many_share_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(UserError, match="one that many share; INCIDENT_LEDGER_LOCAL_DIR"):
        private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_writers_of_one_file_at_once_leave_what_one_of_them_wrote_and_nothing_else(tmp_path: Path) -> None:
    path, together = tmp_path / "server.json", threading.Barrier(8)

    def write(number: int) -> None:
        together.wait()
        for _ in range(100):
            write_private(path, str(number).encode() * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert path.read_text() in {str(number) * 1000 for number in range(8)}
    assert [file.name for file in tmp_path.iterdir()] == ["server.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_start_makes_another_token_and_status_says_only_where(folder: Path) -> None:
    token = local.start(folder, idle=60).token.get_secret_value()
    assert (folder / "token").read_text() == token
    here = {"INCIDENT_LEDGER_LOCAL_DIR": str(folder)}
    for arguments in (["warehouse", "status"], ["warehouse", "status", "--json"]):
        done = run_cli(here, *arguments)
        assert str(folder / "token") in done.stdout
        assert token not in done.stdout + done.stderr
    local.stop(folder)
    assert local.start(folder, idle=60).token.get_secret_value() != token


def test_a_server_whose_token_is_taken_away_is_replaced(folder: Path) -> None:
    first = local.start(folder, idle=60)
    (folder / "token").unlink()
    second = local.start(folder, idle=60)
    assert first.token != second.token
    (folder / "server.json").write_text("{")
    assert local.start(folder, idle=60).token != second.token


def test_the_server_inherits_no_setting_and_no_password(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INCIDENT_LEDGER_CHANNELS", "GOOGLE_APPLICATION_CREDENTIALS", "AWS_SECRET_ACCESS_KEY", "BQEMU_X"):
        monkeypatch.setenv(name, "password")
    local.start(folder, idle=60)
    pid = local.status(folder).pid
    given = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"password" not in given
    assert b"PATH=" in given


def test_a_command_whose_server_gave_its_port_to_another_writes_nothing(folder: Path, tmp_path: Path) -> None:
    """The other is the copy of its folder, which keeps its port and has the same tables."""
    mine = connect(Settings(project_dir=PROJECT_DIR, local_dir=folder, local_idle=60))
    mine.client.create_dataset("d", timeout=60)
    mine.execute("create table d.t (a INT64)")
    local.stop(folder)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    try:
        other = connect(Settings(project_dir=PROJECT_DIR, local_dir=copy, local_idle=60))
        assert other.endpoint == mine.endpoint, "or there is nothing to confuse"
        with pytest.raises(OutsideError, match=r"refuses this command's token: another server answers there"):
            mine.execute("insert into d.t (a) values (1)")
        again = connect(Settings(project_dir=PROJECT_DIR, local_dir=folder, local_idle=60))
        assert again.endpoint != other.endpoint
        again.execute("insert into d.t (a) values (2)")
        assert other.rows("select a from d.t") == []
        assert again.rows("select a from d.t") == [{"a": 2}]
        for warehouse in (mine, other, again):
            warehouse.close()
    finally:
        local.stop(copy)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server of somebody else, and the headers of what it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers.items()))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_token_follows_no_redirect(
    endpoint: str, elsewhere: tuple[str, list[dict[str, str]]], tmp_path: Path, status: int
) -> None:
    place, seen = elsewhere
    with Relay(endpoint) as relay:
        relay.rule(lambda _request: True, Answer(status, b"", (("Location", f"{place}/x"),)))
        warehouse = connect(fresh_settings(relay.endpoint, tmp_path))
        with pytest.raises(OutsideError):
            warehouse.rows("select 1 as a")
        warehouse.close()
    assert seen == []


def test_an_upload_goes_to_no_other_address_than_the_endpoint(
    endpoint: str, elsewhere: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    place, seen = elsewhere
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a": 1}\n' * 600_000)  # over 5 MB: sent in pieces to an address that the server names
    with Relay(endpoint) as relay:
        relay.rule(lambda request: "uploadType=resumable" in request.path, Answer(200, b"", (("Location", place),)))
        relay.rule(lambda request: "uploadType=multipart" in request.path, Answer(200, b"", (("Location", place),)))
        warehouse = connect(fresh_settings(relay.endpoint, tmp_path))
        warehouse.client.create_dataset(warehouse.settings.dataset, timeout=60)
        with pytest.raises(OutsideError), file.open("rb") as content, warehouse.map_bigquery_errors():
            warehouse.client.load_table_from_file(content, f"{warehouse.settings.dataset}.t", timeout=60)
        warehouse.close()
    assert seen == []


def test_no_proxy_sees_the_token(
    warehouse: Warehouse, elsewhere: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, seen = elsewhere
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, place)
    fresh = connect(warehouse.settings)
    assert fresh.rows("select 1 as a") == [{"a": 1}]
    fresh.close()
    assert seen == []


def test_another_endpoint_gets_no_token_but_its_own(folder: Path) -> None:
    """The token of the local warehouse never leaves for the address that a setting names."""
    local.start(folder, idle=60)
    token = (folder / "token").read_text()
    settings = Settings(project_dir=PROJECT_DIR, local_dir=folder, api_endpoint="http://127.0.0.1:1", api_token=None)
    assert token not in json.dumps(environment(settings, settings.api_endpoint, None))


def test_error_of_a_wrong_token_names_the_setting(endpoint: str) -> None:
    here = {"INCIDENT_LEDGER_API_ENDPOINT": endpoint, "INCIDENT_LEDGER_API_TOKEN": "no-such-token"}
    done = run_cli(here, "sql", "select 1")
    assert (done.returncode, done.stdout) == (3, "")
    assert "INCIDENT_LEDGER_API_TOKEN must hold its token" in done.stderr
    assert "no-such-token" not in done.stderr
