"""The life of the local warehouse: one server a folder, started when needed, never left behind."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from conftest import PROJECT_DIR
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.settings import Settings
from incident_ledger.warehouse import connect
from incident_ledger.warehouse.loading.file_load import load_file
from incident_ledger.warehouse.local import process as local
from incident_ledger.warehouse.local import server
from incident_ledger.warehouse.local.damage import check_log, damage

from .conftest import run_cli


def here(folder: Path) -> dict[str, str]:
    return {"INCIDENT_LEDGER_LOCAL_DIR": str(folder), "INCIDENT_LEDGER_LOCAL_IDLE": "60"}


def own(folder: Path, idle: float = 60) -> Settings:
    return Settings(project_dir=PROJECT_DIR, local_dir=folder, local_idle=idle)


def state(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "server.json").read_text())
    return content


def wait_until_ended(folder: Path, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while local.status(folder).is_running:
        assert time.monotonic() < deadline, "the server did not end"
        time.sleep(0.1)


def test_eight_commands_at_once_start_one_server(folder: Path) -> None:
    program = (
        "from incident_ledger.settings import load_settings\n"
        "from incident_ledger.warehouse import connect\n"
        "w = connect(load_settings())\n"
        "print(w.endpoint, w.rows('select 1 as a'))\n"
    )
    environment = {**os.environ, **here(folder), "PYTHONPATH": str(PROJECT_DIR / "scripts")}
    environment.pop("INCIDENT_LEDGER_API_ENDPOINT", None)

    def command(_number: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(command, range(8)))
    assert answers == {f"{state(folder)['endpoint']} [{{'a': 1}}]\n"}
    servers = [
        process
        for process in Path("/proc").glob("[0-9]*")
        if str(folder).encode() in _command_line(process) and b"warehouse.local.server" in _command_line(process)
    ]
    assert len(servers) == 1


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_it_listens_on_this_machine_alone_and_says_how_it_is(folder: Path) -> None:
    endpoint, _token = local.start(folder, memory="512MB", idle=60)
    assert endpoint.startswith("http://127.0.0.1:")
    with pytest.raises(OSError), socket.create_connection((_address_of_this_machine(), _port(endpoint)), timeout=2):
        pass
    status = local.status(folder)
    assert (status.is_running, status.is_busy, status.endpoint) == (True, False, endpoint)
    assert (status.memory, status.idle_seconds, status.pid) == ("512MB", 60.0, state(folder)["pid"])
    assert status.data_size > 0
    assert local.start(folder).endpoint == endpoint, "there is one already"
    assert local.stop(folder)
    assert not local.status(folder).is_running
    assert not local.stop(folder), "stopping twice is no error"


def _port(endpoint: str) -> int:
    return int(endpoint.rsplit(":", 1)[1])


def _address_of_this_machine() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no other address")
    return address


def test_a_killed_server_is_started_again_by_the_next_command_with_its_data(folder: Path) -> None:
    warehouse = connect(own(folder))
    warehouse.client.create_dataset("d", timeout=60)
    warehouse.execute("create table d.t as select 'kept' as a")
    warehouse.close()
    os.kill(int(str(state(folder)["pid"])), signal.SIGKILL)
    wait_until_ended(folder)
    assert state(folder)["pid"], "a stale server.json is left"
    done = run_cli(here(folder), "sql", "--format", "csv", "select a from d.t")
    assert (done.returncode, done.stdout) == (0, "a\nkept\n"), done.stderr


def test_it_ends_by_itself_when_nobody_uses_it(folder: Path) -> None:
    local.start(folder, idle=1)
    wait_until_ended(folder)
    assert "pid" not in state(folder)


def test_it_stays_while_it_is_used(folder: Path) -> None:
    warehouse = connect(own(folder, idle=5))
    for _second in range(8):
        time.sleep(1)
        assert warehouse.rows("select 1 as a") == [{"a": 1}]
    warehouse.close()


def test_it_ends_with_its_owner(folder: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    local.start(folder, idle=600, owner=owner.pid)
    owner.kill()
    owner.wait()
    wait_until_ended(folder)


def test_it_ends_when_its_folder_is_deleted(folder: Path) -> None:
    local.start(folder, idle=600)
    pid = int(str(state(folder)["pid"]))
    folder.rename(folder.with_name("elsewhere"))
    deadline = time.monotonic() + 20
    while _lives(pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    """Our child: ended means a zombie that can be waited for."""
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def test_the_endpoint_stays_the_same_and_moves_when_the_port_is_taken(folder: Path) -> None:
    endpoint, _token = local.start(folder, idle=60)
    local.stop(folder)
    assert local.start(folder, idle=60).endpoint == endpoint
    local.stop(folder)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", _port(endpoint)))
        other.listen()
        assert local.start(folder, idle=60).endpoint != endpoint


def test_a_process_id_that_is_somebody_elses_misleads_nobody(folder: Path) -> None:
    folder.mkdir()
    (folder / "server.json").write_text(json.dumps({"endpoint": "http://127.0.0.1:1", "pid": os.getpid()}))
    assert not local.status(folder).is_running
    assert not local.stop(folder)
    assert local.start(folder, idle=60).endpoint != "http://127.0.0.1:1"


GARBAGE = [
    b"", b"{", b"[]", b"null", b"7", b'"text"', b"true", b"\xff\xfe\x00", b"[" * 100_000, b"1" * 5_000, b"NaN",
    *(
        json.dumps({"endpoint": endpoint, "pid": pid, "memory": [], "idle_seconds": "x", "started_at": 1}).encode()
        for endpoint in (None, 7, [], {}, "", "nowhere", "http://127.0.0.1:port", "http://127.0.0.1:99999999", ":-1")
        for pid in (1, "1", -1, 0, True, 2**70, None, [])
    ),
]  # fmt: skip


def test_garbage_in_server_json_is_no_obstacle(folder: Path) -> None:
    """Also while the lock is taken, when the file is trusted."""
    folder.mkdir()
    with (folder / "server.lock").open("w") as lock:
        for content in GARBAGE:
            (folder / "server.json").write_bytes(content)
            (folder / "token").write_text("token")
            assert server._port(folder / "server.json") == 0
            for is_held in (True, False):
                fcntl.flock(lock, fcntl.LOCK_EX if is_held else fcntl.LOCK_UN)
                assert local._running(folder) is None
                status = local.status(folder)
                assert not (status.is_running and not is_held)
    assert local.start(folder, idle=60).endpoint


@pytest.mark.parametrize("name", ["it's", "line\nbreak", "a b", 'é"ü', "semi;colon", "back\\slash", "%s{x}"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    try:
        warehouse = connect(own(folder))
        rows = tmp_path / "rows.jsonl"
        rows.write_text('{"a": 1}\n')
        load_file(warehouse, rows, "d", "t")
        assert warehouse.rows("select a from d.t") == [{"a": 1}]
        warehouse.close()
    finally:
        local.stop(folder)


def test_a_seed_loads_in_a_folder_of_any_name(tmp_path: Path) -> None:
    """By dbt, which sends a file to the server, as the first command of all does."""
    folder = tmp_path / 'it\'s "one"\nof two; \\'
    environment = {"INCIDENT_LEDGER_LOCAL_DIR": str(folder), "DBT_TARGET_PATH": str(tmp_path / "target")}
    try:
        seeded = run_cli(environment, "dbt", "seed", "--select", "severities", "contacts")
        assert seeded.returncode == 0, seeded.stdout + seeded.stderr
        query = "select count(*) as n from ai_usage_prod_policy.severities"
        assert run_cli(environment, "sql", "--format", "csv", query).stdout == "n\n4\n"
    finally:
        local.stop(folder)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A data file of DuckDB's and its log, as a killed server leaves them."""
    file = tmp_path_factory.mktemp("sound") / "t.duckdb"
    program = (
        f"import duckdb, os; c = duckdb.connect({str(file)!r}); c.execute('create table t as select range as a, "
        "md5(range::varchar) as b from range(50000)'); c.execute('checkpoint'); "
        "c.execute('insert into t select * from t limit 500'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    return file.read_bytes(), file.with_name("t.duckdb.wal").read_bytes()


def damaged(sound: tuple[bytes, bytes], kind: str) -> tuple[bytes, bytes]:
    data, log = sound
    middle, noise = len(log) // 2, bytes(range(256)) * 16
    return {
        "cut in half": (data[: len(data) // 2], b""),
        "cut after a block": (data[:12288], b""),
        "cut in its header": (data[:100], b""),
        "of zero bytes": (b"", b""),
        "overwritten": (noise * 10, b""),
        "with another beginning": (noise + data[4096:], b""),
        "with other headers": (data[:4096] + noise * 2 + data[12288:], b""),
        "with a flipped log": (data, log[:middle] + bytes([log[middle] ^ 255]) + log[middle + 1 :]),
        "with a log overwritten": (data, noise),
    }[kind]


DAMAGES = [
    "cut in half", "cut after a block", "cut in its header", "of zero bytes", "overwritten", "with another beginning",
    "with other headers", "with a flipped log", "with a log overwritten",
]  # fmt: skip


def test_a_sound_file_is_not_called_damaged(folder: Path, sound: tuple[bytes, bytes]) -> None:
    (folder / "data").mkdir(parents=True)
    check_log(folder)
    for suffix, content in zip(("", ".wal"), sound, strict=True):
        (folder / "data" / f"bqemulator.duckdb{suffix}").write_bytes(content)
    check_log(folder)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_data_file_that_is_damaged_says_what_is_lost_and_what_to_do(
    folder: Path, sound: tuple[bytes, bytes], kind: str
) -> None:
    (folder / "data").mkdir(parents=True)
    data, log = damaged(sound, kind)
    (folder / "data" / "bqemulator.duckdb").write_bytes(data)
    if log:
        (folder / "data" / "bqemulator.duckdb.wal").write_bytes(log)
    found: Exception | None = None
    try:
        check_log(folder)
        database = duckdb.connect(str(folder / "data" / "bqemulator.duckdb"))
        try:  # a file that ends too early opens, and shows it when what is missing is read
            database.execute("select count(b), max(b) from t").fetchall()
        except duckdb.Error as error:
            found = damage(str(error), str(folder), is_start=False)
        database.close()
    except UserError as error:
        found = error
    except duckdb.Error as error:
        found = local._start_error(folder, f"{type(error).__name__}: {error}", folder / "server.log")
    assert isinstance(found, UserError)
    for part in (str(folder), "backup", "`incident-ledger warehouse reset`", "damaged"):
        assert part in str(found)


def test_a_damaged_file_is_one_line_of_a_command(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "bqemulator.duckdb").write_bytes(b"")
    done = run_cli(here(folder), "sql", "select 1")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "all tables are lost" in line and "`incident-ledger warehouse reset`" in line


def test_a_data_file_in_use_by_another_program_is_named(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    file = folder / "data" / "bqemulator.duckdb"
    program = f"import duckdb; c = duckdb.connect({str(file)!r}); print(1, flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(OutsideError, match=rf"in use by another program.*{holder.pid}.*INCIDENT_LEDGER_LOCAL_DIR"):
            local.start(folder, idle=60)
    finally:
        holder.communicate("\n", timeout=30)


def test_data_of_another_duckdb_are_named() -> None:
    error = (
        "IOException: IO Error: Trying to read a database file with version number 99, but we can only read versions "
        "between 64 and 67."
    )
    found = local._start_error(Path("x"), error, Path("x/server.log"))
    assert isinstance(found, UserError)
    assert "another version of DuckDB wrote it" in str(found)


def test_damaged_data_are_named_and_can_be_reset(folder: Path) -> None:
    data = folder / "data" / "bqemulator.duckdb"
    data.parent.mkdir(parents=True)
    duckdb.connect(str(data)).close()
    header = bytearray(data.read_bytes())
    header[12] = 200  # the version of the storage format
    data.write_bytes(header)
    (folder / "outbox").mkdir()
    with pytest.raises(UserError, match=r"is damaged.*warehouse reset"):
        local.start(folder, idle=60)
    local.reset(folder)
    assert not (folder / "data").exists() and not (folder / "outbox").exists()
    local.start(folder, idle=60)


def test_reset_empties_a_running_warehouse_when_it_may(folder: Path) -> None:
    warehouse = connect(own(folder))
    warehouse.client.create_dataset("d", timeout=60)
    warehouse.close()
    assert run_cli(here(folder), "warehouse", "reset", stdin="n\n").returncode == 2
    assert local.status(folder).is_running
    assert run_cli(here(folder), "warehouse", "reset", "--yes").returncode == 0
    assert not local.status(folder).is_running
    warehouse = connect(own(folder))
    assert list(warehouse.client.list_datasets(timeout=60)) == []
    warehouse.close()


def test_commands_show_its_state(folder: Path) -> None:
    environment = here(folder)
    off = run_cli(environment, "warehouse", "status")
    assert (off.returncode, "not running" in off.stdout) == (3, True)
    assert run_cli(environment, "warehouse", "start").returncode == 0
    on = run_cli(environment, "warehouse", "status", "--json")
    about = json.loads(on.stdout)
    assert on.returncode == 0
    assert (about["is_running"], about["is_busy"], about["endpoint"]) == (True, False, state(folder)["endpoint"])
    assert about["idle_seconds"] == 60.0
    assert "stopped" in run_cli(environment, "warehouse", "stop").stdout
    assert "was not running" in run_cli(environment, "warehouse", "stop").stdout


def test_another_endpoint_is_never_started(folder: Path) -> None:
    environment = here(folder) | {"INCIDENT_LEDGER_API_ENDPOINT": "http://127.0.0.1:1"}
    for command in ("start", "stop"):
        done = run_cli(environment, "warehouse", command)
        assert (done.returncode, "http://127.0.0.1:1" in done.stderr) == (2, True)
    assert not folder.exists()


def test_a_server_that_is_not_there_is_an_error_within_seconds(folder: Path) -> None:
    environment = here(folder) | {"INCIDENT_LEDGER_API_ENDPOINT": "http://127.0.0.1:1"}
    began = time.monotonic()
    done = run_cli(environment, "sql", "select 1")
    assert done.returncode == 3
    assert "Nothing answers at http://127.0.0.1:1" in done.stderr
    assert len(done.stderr.splitlines()) < 10
    assert time.monotonic() - began < 15


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="INCIDENT_LEDGER_LOCAL_DIR"):
        local.start(tmp_path / "file" / "local")


def test_a_memory_setting_that_is_no_size_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match="INCIDENT_LEDGER_LOCAL_MEMORY 'much'"):
        local.start(folder, memory="much")


@pytest.mark.parametrize("memory", ["1MB", "127.9MB", "120MiB", "0GB"])
def test_a_memory_setting_that_is_too_small_is_named(folder: Path, memory: str) -> None:
    done = run_cli(here(folder) | {"INCIDENT_LEDGER_LOCAL_MEMORY": memory}, "tick")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: INCIDENT_LEDGER_LOCAL_MEMORY '{memory}' is too small; at least 128MB.\n"


def test_the_smallest_memory_setting_is_enough_to_start_with(folder: Path) -> None:
    assert local.start(folder, memory="128MB", idle=60)


def test_a_failed_start_is_one_line_with_the_log(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "bqemulator.duckdb").mkdir()
    done = run_cli(here(folder), "tick")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: The local warehouse did not start; its log is {folder / 'server.log'}. ")
    reason = line.partition("server.log. ")[2]
    assert reason and (folder / "server.log").read_text().endswith(f".{reason}\n"), "the whole traceback is there"


def test_advice_of_duckdb_is_left_in_the_log() -> None:
    error = "TransactionException: could not allocate block\n\nPossible solutions:\n* Reducing the number of threads"
    found = local._start_error(Path("x"), error, Path("x/server.log"))
    assert isinstance(found, OutsideError)
    assert str(found) == "The local warehouse did not start; its log is x/server.log. " + error.splitlines()[0]
    assert found.detail == ""
