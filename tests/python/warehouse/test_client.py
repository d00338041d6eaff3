"""The client through a relay: what it sends, what it sends again, and how it reports what went wrong."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import fresh_settings
from engines.recorder import expected_to_be_refused
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import OutsideError, StatementError, UserError
from incident_ledger.job_labels import job_labels, labelled, labelled_model
from incident_ledger.settings import MAX_THREADS, Settings
from incident_ledger.warehouse import Param, Warehouse, connect
from incident_ledger.warehouse.loading.file_load import load_file
from incident_ledger.warehouse.tables import ALL, LEASES, ensure_tables
from relay import Answer, Change, Cut, Delay, Relay, Request, failed


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture
def through(relay: Relay, tmp_path: Path) -> Iterator[Warehouse]:
    """A client behind the relay, with a fresh dataset."""
    warehouse = connect(fresh_settings(relay.endpoint, tmp_path))
    warehouse.client.create_dataset(warehouse.settings.dataset, timeout=60)
    relay.requests.clear()
    yield warehouse
    warehouse.close()


def sends(text: str) -> Any:
    return lambda request: request.method == "POST" and text in request.query


def test_every_statement_has_a_byte_limit_a_label_and_an_id(relay: Relay, through: Warehouse) -> None:
    assert through.rows("select 1 as a") == [{"a": 1}]
    (sent,) = [request for request in relay.requests if request.query]
    assert sent.json["configuration"]["query"]["maximumBytesBilled"] == str(100 * 1024**3)
    assert sent.json["configuration"]["labels"] == {"app": "incident-ledger"}
    assert sent.json["jobReference"]["jobId"]


def test_a_connection_is_kept_for_each_of_the_most_threads(
    relay: Relay, through: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    """One that is not kept is a warning on the screen."""
    together = threading.Barrier(MAX_THREADS)

    def look_up(number: int) -> bool:
        together.wait(timeout=60)
        return through.table_exists(through.settings.dataset, f"none_{number}")

    relay.rule(lambda request: "none_" in request.path, Delay(0.5))
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        assert list(pool.map(look_up, range(MAX_THREADS))) == [False] * MAX_THREADS
    assert len(relay.to("none_")) == MAX_THREADS
    assert [record.getMessage() for record in caplog.records if "pool" in record.getMessage()] == []


def test_statements_of_others_have_them_too(relay: Relay, through: Warehouse) -> None:
    """Great Expectations asks by way of SQLAlchemy, which knows nothing of our settings."""
    import sqlalchemy
    from sqlalchemy_bigquery import BigQueryDialect

    dbapi = BigQueryDialect.import_dbapi()
    engine = sqlalchemy.create_engine(
        "bigquery://p?user_supplied_client=True",
        creator=lambda: dbapi.connect(client=through.client, prefer_bqstorage_client=False),
    )
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1 as a")).scalar() == 1
    engine.dispose()
    through.client.query_and_wait("select 1 as a")
    Dbt(through.settings, through.endpoint).invoke(["show", "--inline", "select 1 as a"])
    configurations = [request.json["configuration"] for request in relay.requests if request.query]
    assert len(configurations) == 3
    for configuration in configurations:
        assert configuration["query"]["maximumBytesBilled"] == str(100 * 1024**3)
        assert configuration["labels"]["app"] in {"incident-ledger", "dbt"}
        assert configuration["jobTimeoutMs"] == "600000"


def test_a_statement_that_is_not_waited_for_is_cancelled(relay: Relay, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(relay.endpoint, tmp_path, query_timeout=1.0))
    relay.rule(sends("select 7"), Delay(3))
    with pytest.raises(OutsideError, match="no answer within 1 s"):
        warehouse.rows("select 7 as a")
    warehouse.close()
    (sent,) = [request for request in relay.requests if request.query]
    (cancelled,) = relay.to("/cancel")
    assert sent.json["jobReference"]["jobId"] in cancelled.path


def test_datasets_that_are_there_are_used_by_who_may_make_none(
    relay: Relay, through: Warehouse, tmp_path: Path
) -> None:
    raw, marts = through.settings.raw_dataset, through.settings.dataset
    through.client.create_dataset(raw, timeout=60)
    relay.rule(
        lambda request: request.method == "POST" and request.path.split("?")[0].endswith("/datasets"),
        failed(403, "accessDenied"),
    )
    ensure_tables(through)
    assert {item.table_id for item in through.client.list_tables(raw, timeout=60)} == {spec.name for spec in ALL}
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a": 1}\n')
    load_file(through, file, marts, "new")
    assert through.rows(f"select a from {marts}.new") == [{"a": 1}]


@pytest.mark.parametrize(
    ("reason", "code"), [("backendError", 503), ("rateLimitExceeded", 403), ("internalError", 500)]
)
def test_a_passing_fault_is_tried_again(relay: Relay, through: Warehouse, reason: str, code: int) -> None:
    relay.rule(sends("select 2"), failed(code, reason), times=1)
    assert through.rows("select 2 as a") == [{"a": 2}]


def test_a_job_that_ends_with_a_passing_fault_is_sent_again(relay: Relay, through: Warehouse) -> None:
    def fail(_request: Request, status: int, body: bytes) -> tuple[int, bytes]:
        job = json.loads(body)
        error = {"reason": "backendError", "message": "try again"}
        job["status"] = {"state": "DONE", "errorResult": error, "errors": [error]}
        return status, json.dumps(job).encode()

    relay.rule(sends("select 3"), Change(fail), times=1)
    assert through.rows("select 3 as a") == [{"a": 3}]
    ids = [request.json["jobReference"]["jobId"] for request in relay.requests if request.query]
    assert len(set(ids)) == 2, "a failed job is done: the second attempt is a new one"


def test_a_conflict_with_another_statement_is_tried_again(relay: Relay, through: Warehouse) -> None:
    conflict = failed(400, "invalidQuery", "Could not serialize access to table due to concurrent update")
    relay.rule(sends("select 4"), conflict, times=1)
    assert through.rows("select 4 as a") == [{"a": 4}]


def test_a_wrong_statement_is_not_tried_again(relay: Relay, through: Warehouse) -> None:
    with pytest.raises(StatementError, match="notFound") as caught:
        through.rows(f"select *\nfrom {through.settings.dataset}.nothing")
    assert caught.value.reason == "notFound"
    assert caught.value.detail == f"select *\nfrom {through.settings.dataset}.nothing"
    assert len([request for request in relay.requests if request.query]) == 1


def test_an_answer_that_is_lost_writes_nothing_twice(relay: Relay, through: Warehouse) -> None:
    table = f"{through.settings.dataset}.t"
    through.execute(f"create table {table} (a INT64)")
    relay.rule(sends("insert into"), Cut(after=True), times=1)
    assert through.execute(f"insert into {table} (a) values (1)") == 1
    assert through.rows(f"select count(*) as n from {table}") == [{"n": 1}]


def test_a_load_whose_answer_is_lost_loads_once(relay: Relay, through: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n2\n")
    relay.rule(
        lambda request: request.path.startswith("/upload") and request.method == "POST", Cut(after=True), times=1
    )
    load_file(through, file, through.settings.dataset, "t")
    assert through.rows(f"select count(*) as n from {through.settings.dataset}.t") == [{"n": 2}]


def test_a_connection_that_is_cut_is_tried_once_more_and_then_reported(relay: Relay, through: Warehouse) -> None:
    relay.rule(sends("select 5"), Cut(), times=1)
    assert through.rows("select 5 as a") == [{"a": 5}]
    relay.rule(sends("select 6"), Cut())
    began = time.monotonic()
    with pytest.raises(OutsideError, match=r"connection to http://127\.0\.0\.1:\d+ failed"):
        through.rows("select 6 as a")
    assert time.monotonic() - began < 10


def test_a_server_that_does_not_answer_in_time_is_reported(relay: Relay, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(relay.endpoint, tmp_path, query_timeout=1.0))
    relay.rule(sends("select 7"), Delay(3))
    with pytest.raises(OutsideError, match=r"no answer within 1 s \(INCIDENT_LEDGER_QUERY_TIMEOUT\)"):
        warehouse.rows("select 7 as a")
    warehouse.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_question_about_tables_waits_no_longer_than_the_setting(silent: str, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(silent, tmp_path, query_timeout=0.5))
    began = time.monotonic()
    with pytest.raises(OutsideError, match=r"no answer within 0\.5 s \(INCIDENT_LEDGER_QUERY_TIMEOUT\)"):
        ensure_tables(warehouse)
    assert time.monotonic() - began < 10
    warehouse.close()


def test_a_setting_that_was_not_the_limit_is_not_blamed(silent: str, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(silent, tmp_path, query_timeout=600))
    with pytest.raises(OutsideError, match="no answer in time") as caught, warehouse.map_bigquery_errors():
        list(warehouse.client.list_datasets(timeout=0.5))
    assert "QUERY_TIMEOUT" not in str(caught.value)
    warehouse.close()


def test_dbt_waits_no_longer_than_the_setting(silent: str, tmp_path: Path) -> None:
    dbt = Dbt(fresh_settings(silent, tmp_path, query_timeout=0.5), silent)
    dbt.manifest()
    began = time.monotonic()
    with pytest.raises(OutsideError, match=r"no answer within 0\.5 s \(INCIDENT_LEDGER_QUERY_TIMEOUT\)"):
        dbt.build(["stg_ledger__incident_events"])
    assert time.monotonic() - began < 30


def test_dbt_gives_its_statements_the_time_of_the_setting(relay: Relay, tmp_path: Path) -> None:
    settings = fresh_settings(relay.endpoint, tmp_path, query_timeout=80.5)
    Dbt(settings, relay.endpoint).invoke(["show", "--inline", "select 1 as a"])
    times = {request.json["configuration"]["jobTimeoutMs"] for request in relay.requests if request.query}
    assert times == {"81000"}, "whole seconds"


def test_a_lasting_fault_ends_within_seconds(relay: Relay, through: Warehouse) -> None:
    relay.rule(sends("select 8"), failed(503, "backendError"))
    began = time.monotonic()
    with pytest.raises(StatementError, match="backendError: made up by the relay"):
        through.rows("select 8 as a")
    assert time.monotonic() - began < 60


def test_an_error_is_one_screen_without_parameters_or_credentials(relay: Relay, through: Warehouse) -> None:
    secret = "correct-horse"
    relay.rule(sends("line 1 "), failed(400, "invalidQuery", "x" * 10_000))
    lines = [f"-- line {number} {'y' * 300}" for number in range(100)]
    with pytest.raises(StatementError) as caught:
        through.rows("\n".join([*lines, "select @password as a"]), {"password": secret})
    text = f"{caught.value}\n{caught.value.detail}"
    assert len(text.splitlines()) < 20
    assert len(text) < 5_000
    assert secret not in text
    assert "Bearer" not in text


def test_an_answer_that_is_not_json_is_reported(relay: Relay, through: Warehouse) -> None:
    relay.rule(sends("select 9"), Answer(502, b"<html>Bad gateway</html>"))
    with pytest.raises(OutsideError):
        through.rows("select 9 as a")


def test_nothing_is_streamed_into_a_table_just_made(relay: Relay, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(relay.endpoint, tmp_path))
    ensure_tables(warehouse)
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f'{{"a": {number}}}\n' for number in range(100)))
    load_file(warehouse, file, warehouse.settings.dataset, "new")
    load_file(warehouse, file, warehouse.settings.dataset, "new", replace=True)
    assert warehouse.rows(f"select count(*) as n from {warehouse.settings.dataset}.new") == [{"n": 100}]
    assert relay.to("/upload/") and not relay.to("insertAll")
    warehouse.close()


def test_the_raw_tables_are_checked_by_one_request(relay: Relay, through: Warehouse) -> None:
    ensure_tables(through)
    relay.requests.clear()
    ensure_tables(through)
    assert [request.method for request in relay.requests] == ["GET"]


def test_columns_that_a_newer_version_added_are_made(through: Warehouse) -> None:
    raw = through.settings.raw_dataset
    through.client.create_dataset(raw, timeout=60)
    through.execute(f"create table {raw}.leases (name STRING)")
    through.execute(f"insert into {raw}.leases (name) values ('old')")
    ensure_tables(through)
    assert [column.name for column in through.table_columns(raw, "leases")] == [name for name, *_ in LEASES.columns]
    assert through.rows(f"select name, holder from {raw}.leases") == [{"name": "old", "holder": None}]
    assert {item.table_id for item in through.client.list_tables(raw, timeout=60)} == {spec.name for spec in ALL}


def test_a_column_of_another_type_is_named(through: Warehouse) -> None:
    raw = through.settings.raw_dataset
    through.client.create_dataset(raw, timeout=60)
    through.execute(f"create table {raw}.leases (name INT64)")
    with pytest.raises(UserError, match=rf"{raw}\.leases: column name is INT64 and should be STRING"):
        ensure_tables(through)


def test_eight_at_once_make_the_tables_once(endpoint: str, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    settings = fresh_settings(endpoint, tmp_path)
    warehouses = [connect(settings) for _number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ensure_tables, warehouses))
    assert len(list(warehouses[0].client.list_tables(settings.raw_dataset, timeout=60))) == len(ALL)
    for warehouse in warehouses:
        warehouse.close()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "BOOL"),
        (7, "INT64"),
        (0.5, "FLOAT64"),
        (Decimal("12345678901234567890.123456789"), "NUMERIC"),
        (datetime(2026, 3, 2, 9, 0, 0, 123456, UTC), "TIMESTAMP"),
        (date(2026, 3, 2), "DATE"),
        ("text '\" \\ \n 🚨", "STRING"),
        (b"\x00\xff", "BYTES"),
        (["a", "b"], "STRING"),
        ([1, 2], "INT64"),
        (Param("TIMESTAMP", None), "TIMESTAMP"),
        (Param("DATE", []), "DATE"),
        (Param("STRING", ["x"]), "STRING"),
    ],
)
def test_parameters_come_back_as_they_went(fixed: Warehouse, value: object, kind: str) -> None:
    answer = fixed.answer("select @value as a", {"value": value})
    given = value.value if isinstance(value, Param) else value
    assert answer.rows == [(given,)]
    assert answer.columns[0].kind == kind


def test_a_parameter_of_a_time_without_a_zone_is_refused(fixed: Warehouse) -> None:
    with pytest.raises(UserError, match=r"when.*no time zone"):
        fixed.rows("select @when as a", {"when": datetime(2026, 3, 2)})  # noqa: DTZ001 - the fault


def test_what_a_statement_changed_is_counted(fixed: Warehouse) -> None:
    table = f"{fixed.settings.dataset}.t"
    assert fixed.execute(f"create table {table} (a INT64)") == 0
    assert fixed.execute(f"insert into {table} (a) values (1), (2)") == 2
    assert fixed.execute(f"update {table} set a = 3 where a = 1") == 1


def test_tables_are_described(fixed: Warehouse) -> None:
    dataset = fixed.settings.dataset
    fixed.execute(f"create table {dataset}.t (a INT64, b ARRAY<STRING>)")
    assert [(c.name, c.kind, c.is_array) for c in fixed.table_columns(dataset, "t")] == [
        ("a", "INT64", False),
        ("b", "STRING", True),
    ]
    assert fixed.table_exists(dataset, "t")
    assert not fixed.table_exists(dataset, "other")
    assert not fixed.table_exists("nowhere", "t")
    with pytest.raises(UserError, match=f"There is no table {dataset}.other in project"):
        fixed.table_columns(dataset, "other")


def test_many_rows_arrive(fixed: Warehouse) -> None:
    rows = fixed.rows("select x from unnest(generate_array(1, 25000)) as x order by x")
    assert [row["x"] for row in rows] == list(range(1, 25_001))


def test_query_and_wait_raises_what_went_wrong(fixed: Warehouse) -> None:
    """SQLAlchemy, and Great Expectations with it, asks so."""
    with fixed.map_bigquery_errors():
        assert [row[0] for row in fixed.client.query_and_wait("select 1 as a")] == [1]
    with expected_to_be_refused(), pytest.raises(StatementError), fixed.map_bigquery_errors():
        fixed.client.query_and_wait("select nothing from nowhere.nothing")


def test_production_without_credentials_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(UserError, match="gcloud auth application-default login"):
        connect(Settings(target="prod", local_dir=tmp_path))


def test_labels_are_those_of_the_block_and_the_thread_that_send(relay: Relay, through: Warehouse) -> None:
    with labelled(command="run", run="Run-2026-03-02T09:00:00Z"), labelled(step="check"), labelled_model("T" * 70):
        through.rows("select 1 as a")
        with ThreadPoolExecutor() as pool:
            pool.submit(through.rows, "select 2 as a").result()
    through.rows("select 3 as a")
    sent = [request.json["configuration"]["labels"] for request in relay.requests if request.query]
    of_run = {"app": "incident-ledger", "command": "run", "run": "run-2026-03-02t09_00_00z", "step": "check"}
    assert sent == [of_run | {"model": "t" * 63}, of_run, {"app": "incident-ledger"}]


def test_blocks_of_several_threads_leave_no_label_whichever_ends_first() -> None:
    before = job_labels()
    first, second = labelled(command="tick", run="t1"), labelled(command="tick", run="t2")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert job_labels() == {"app": "incident-ledger", "command": "tick", "run": "t2"}
    second.__exit__(None, None, None)
    assert job_labels() == before == {"app": "incident-ledger"}


def test_jobs_of_dbt_have_labels_with_their_model_a_byte_limit_and_a_timeout(relay: Relay, through: Warehouse) -> None:
    """A seed is loaded, and its tests are queries about it."""
    with labelled(command="run", run="r1", step="policy"):
        results = Dbt(through.settings, through.endpoint).build(["severities"])
    assert {result.status for result in results} <= {"success", "pass"}
    sent = [request.json["configuration"] for request in relay.requests if "configuration" in request.json]
    loads = [configuration for configuration in sent if "load" in configuration]
    tests = [each for each in sent if "query" in each and each["labels"].get("node_id", "").startswith("test")]
    assert loads
    assert tests
    labels = {"app": "incident-ledger", "command": "run", "run": "r1", "step": "policy"}
    for configuration in sent:
        assert labels.items() <= configuration["labels"].items()
        assert configuration["jobTimeoutMs"] == "600000"
        if "query" in configuration:
            assert configuration["query"]["maximumBytesBilled"] == str(100 * 1024**3)
    assert {configuration["labels"]["model"] for configuration in (*loads, *tests)} == {"severities"}
