"""`watch` on the warehouse: what it asks for, what it notices, what it survives, and what it says by HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from conftest import PROJECT_DIR
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.writer import append
from incident_ledger.runner.job import Job
from incident_ledger.runner.lease import RESPOND, hold, token_reading
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.watch import COMMAND, Reason, Watch, watched_relations
from incident_ledger.runner.watch_server import serving
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.client import Client
from incident_ledger.warehouse.modified import last_modified_below, names_in
from incident_ledger.warehouse.reading import read
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import LEASES, QUALITY_BREACHES, RUN_STEPS
from interruptible import interruptible
from relay import Cut, Delay, Relay, Request

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TABLES = ("incident_events", "notifications", "run_steps", "leases", "quality_breaches")


def emptied(ledger: Warehouse) -> None:
    for table in TABLES:
        ledger.execute(f"delete from {ledger.raw(table)} where true")


@pytest.fixture
def place(ledger: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """The shared ledger, empty, with a folder of messages of its own."""
    emptied(ledger)
    yield with_settings(ledger, local_dir=tmp_path)
    emptied(ledger)


def with_settings(warehouse: Warehouse, **values: Any) -> Warehouse:
    settings = warehouse.settings.model_copy(update=values)
    return Warehouse(warehouse.client, settings, warehouse.endpoint)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are sent, in order."""
    statements: list[str] = []
    original = Client.query

    def query(client: Client, sql: str, *args: object, **options: object) -> object:
        statements.append(sql)
        return original(client, sql, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "query", query)
    return statements


@dataclass
class Watched:
    """A watch with a clock that the test sets, and what it reported."""

    place: Warehouse
    connect: Callable[[], Warehouse] | None = None
    minute: float = 0
    reports: list[RunReport] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(
            # Its client is closed after an error: each has its own.
            self.connect or (lambda: Warehouse(connect(self.place.settings).client, self.place.settings)),
            every=MINUTE,
            clock=lambda: NOW + self.minute * MINUTE,
            on_report=self.reports.append,
            on_error=self.errors.append,
            on_recovery=lambda: self.recoveries.append(self.minute),
        )

    def look(self, minute: float) -> Reason | None:
        self.minute = minute
        return self.watch.look()

    def settled(self, minute: float = 0) -> "Watched":
        """After the look that has seen its own writes."""
        while self.look(minute) is not None:
            minute += 0.01
        return self


def event(kind: EventType, minute: float, *, key: str = "k", severity: str | None = None) -> Event:
    return Event(
        incident_id=incident_id("test", key, NOW),
        event_type=kind,
        occurred_at=NOW + minute * MINUTE,
        actor="tester",
        source="test",
        source_key=key,
        severity_level=severity,
        payload={"title": "T"},
    )


def write(place: Warehouse, kind: EventType, minute: float, *, key: str = "k", severity: str | None = None) -> None:
    append(place, [event(kind, minute, key=key, severity=severity)], NOW + minute * MINUTE)


def statuses(place: Warehouse) -> dict[str, int]:
    rows = place.rows(f"select status, count(*) as n from {place.raw('notifications')} group by status")
    return {row["status"]: row["n"] for row in rows}


def test_a_look_that_finds_nothing_changed_sends_no_statement(place: Warehouse, sent: list[str]) -> None:
    watched = Watched(place).settled()
    assert len(watched.reports) == 1
    sent.clear()
    assert [watched.look(minute) for minute in (1, 2, 58)] == [None] * 3
    assert sent == []
    assert watched.watch.status.skipped_looks == 4
    assert watched.watch.is_healthy


def test_an_idle_watch_leaves_a_heartbeat_once_an_hour(place: Warehouse) -> None:
    watched = Watched(place).settled()
    assert [watched.look(minute) for minute in (59, 60, 61, 119, 120)] == [None, Reason.DUE, None, None, Reason.DUE]
    rows = place.rows(f"select distinct as_of from {place.raw('run_steps')} where command = '{COMMAND}' order by as_of")
    assert [row["as_of"] for row in rows] == [NOW, NOW + 60 * MINUTE, NOW + 120 * MINUTE]


def test_what_another_command_writes_is_noticed_at_the_next_look(place: Warehouse) -> None:
    watched = Watched(place).settled()
    write(place, EventType.DETECTED, 1, severity="P1")
    assert watched.look(2) is Reason.CHANGED
    assert [delivery.status for delivery in watched.reports[-1].delivered] == ["sent"]
    assert watched.watch.status.open_incidents == {"P0": 0, "P1": 1, "P2": 0, "P3": 0}
    assert watched.look(3) is Reason.CHANGED  # its own writes, once
    assert watched.look(4) is None


def test_what_is_written_during_a_tick_is_noticed_at_the_next_look(
    place: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(place).settled()
    original = Job.tick

    def tick(job: Job, **options: Any) -> RunReport:
        report = original(job, **options)
        write(place, EventType.DETECTED, 60, severity="P1")
        return report

    with monkeypatch.context() as patch:
        patch.setattr(Job, "tick", tick)
        assert watched.look(60) is Reason.DUE
    assert watched.reports[-1].is_idle
    assert watched.look(61) is Reason.CHANGED
    assert len(watched.reports[-1].delivered) == 1


def breach(minute: float) -> dict[str, Any]:
    """A check of a table that found it bad, by the clock of `minute`."""
    return {
        "batch_id": "b",
        "checked_at": NOW + minute * MINUTE,
        "table_name": "d.t",
        "component": "table:d.t",
        "suite": "s.json",
        "rules_total": 20,
        "rules_errored": 0,
        "severity_level": "P1",
        "worst_rule_id": "r",
        "title": "T",
        "evidence": {},
    }


LAST = 25  # minutes of the story


def story(place: Warehouse) -> dict[int, Callable[[], None]]:
    """What others write, by minute: an incident that flaps, another one, a check whose clock is ahead."""
    return {
        2: lambda: write(place, EventType.DETECTED, 2, severity="P1"),
        5: lambda: write(place, EventType.RESOLVED, 5),
        7: lambda: write(place, EventType.REOPENED, 7),
        9: lambda: write(place, EventType.RESOLVED, 9),
        10: lambda: (
            write(place, EventType.DETECTED, 10, key="ahead", severity="P0")
            or write(place, EventType.SEVERITY_CHANGED, 12, key="ahead", severity="P2")
        ),
        14: lambda: insert_rows(place, QUALITY_BREACHES, [breach(17)]) and None,
    }


def followed(place: Warehouse, tick: Callable[[int], RunReport | None]) -> list[tuple[int, list[str], list[str]]]:
    """The minutes at which something was done, with the events written and the messages sent or tried."""
    emptied(place)
    others, done = story(place), []
    for minute in range(LAST + 1):
        others.get(minute, lambda: None)()
        report = tick(minute)
        if report and (report.events or report.delivered):
            events = sorted(each.event_type.value for each in report.events)
            done.append((minute, events, sorted(f"{e.channel} {e.template} {e.status}" for e in report.delivered)))
    return done


def test_a_watch_does_what_a_tick_each_minute_does_at_the_same_minutes(place: Warehouse) -> None:
    place = with_settings(place, channels=SecretStr("folder://,broken=nothing://there"))
    each_minute = followed(place, lambda minute: Job(place, NOW + minute * MINUTE, command="tick").tick(wait=0))
    watched = Watched(place)

    def look(minute: int) -> RunReport | None:
        return watched.reports[-1] if watched.look(minute) else None

    assert followed(place, look) == each_minute
    assert {minute for minute, _, _ in each_minute} >= {2, 3, 10, 12, 17, 24}
    assert watched.watch.status.skipped_looks > 0


def test_a_tick_reads_no_table_that_is_not_looked_at(place: Warehouse, sent: list[str]) -> None:
    write(place, EventType.DETECTED, 0, severity="P1")
    Watched(place).settled(1)
    read = {name[1:] for sql in sent for name in names_in(sql)}
    looked_at = {name[1:] for name in last_modified_below(place, watched_relations(place.settings))}
    raw = place.settings.raw_dataset
    assert read - looked_at == {(raw, RUN_STEPS.name), (raw, LEASES.name)}
    assert (raw, "incident_events") in looked_at


def test_the_policy_is_read_once_and_again_when_it_changed(place: Warehouse, sent: list[str]) -> None:
    def readings() -> int:
        return sum("to_json_string([" in sql for sql in sent)

    watched = Watched(place).settled()
    write(place, EventType.DETECTED, 1, severity="P1")
    watched.settled(1)
    assert readings() == 1
    table = place.name(place.settings.policy_dataset, "runtime_limits")
    place.execute(f"update {table} set reason = reason where true")
    assert watched.look(4) is Reason.CHANGED
    assert readings() == 2


def test_a_lease_of_another_is_no_failure_and_tried_at_the_next_look(place: Warehouse) -> None:
    watched = Watched(place).settled()
    write(place, EventType.DETECTED, 1, severity="P1")
    with hold(place, RESPOND, seconds=60, wait=0, holder="another"):
        assert [watched.look(minute) for minute in (1, 2)] == [Reason.CHANGED] * 2
    assert watched.errors == []
    assert (watched.watch.status.ticks["busy"], watched.watch.status.warehouse_errors) == (2, 0)
    watched.look(3)
    assert statuses(place) == {"sent": 1}


def test_a_warehouse_that_goes_away_and_comes_back_is_survived(place: Warehouse, endpoint: str) -> None:
    is_away = [False]
    with Relay(endpoint) as relay:
        relay.rule(lambda _: is_away[0], Cut())
        settings = place.settings.model_copy(update={"api_endpoint": relay.endpoint})
        watched = Watched(place, connect=lambda: connect(settings)).settled()
        is_away[0] = True
        for minute in (1, 2, 3, 4):
            watched.look(minute)
        assert len(watched.errors) == 1
        assert "connection" in watched.errors[0]
        assert watched.watch.status.warehouse_errors == 4
        assert not watched.watch.is_healthy
        assert watched.recoveries == []
        write(place, EventType.DETECTED, 4, severity="P1")
        is_away[0] = False
        assert watched.look(5) is Reason.CHANGED
        assert watched.watch.is_healthy
        assert (watched.recoveries, len(watched.errors)) == ([5], 1)
    assert statuses(place) == {"sent": 1}


def test_a_tick_that_the_warehouse_failed_is_made_again(place: Warehouse, endpoint: str) -> None:
    is_away = [False]
    with Relay(endpoint) as relay:
        relay.rule(lambda request: is_away[0] and "merge" in request.query, Cut())
        settings = place.settings.model_copy(update={"api_endpoint": relay.endpoint})
        watched = Watched(place, connect=lambda: connect(settings)).settled()
        write(place, EventType.DETECTED, 1, severity="P1")
        is_away[0] = True
        assert watched.look(1) is Reason.CHANGED
        assert watched.watch.status.ticks["error"] == 1
        is_away[0] = False
        assert watched.look(2) is Reason.CHANGED
    assert statuses(place) == {"sent": 1}


def test_a_wrong_setting_ends_it_at_the_start_and_is_survived_later(place: Warehouse) -> None:
    is_wrong = [True]

    def connected() -> Warehouse:
        if is_wrong[0]:
            raise UserError("Google does not take the credentials")
        return connect(place.settings)

    watched = Watched(place, connect=connected)
    with pytest.raises(UserError):
        watched.look(0)
    is_wrong[0] = False
    watched.settled()
    watched.watch._disconnect()
    is_wrong[0] = True
    watched.look(1)
    assert watched.errors == ["Google does not take the credentials"]
    is_wrong[0] = False
    watched.look(2)
    assert watched.recoveries == [2]


def samples(text: str) -> dict[str, float]:
    """Each sample by its name and labels, as Prometheus would read it."""
    return {
        sample.name + "".join(f" {label}={value}" for label, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_health_and_metrics_are_served(place: Warehouse) -> None:
    watched = Watched(place)
    with serving(watched.watch, "127.0.0.1", 0) as url, httpx.Client(base_url=url, trust_env=False) as client:
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["last_success"]) == (503, None)
        assert samples(client.get("/metrics").text)["incident_ledger_undelivered_messages"] == 0

        watched.settled()
        write(place, EventType.DETECTED, 1, severity="P0")
        watched.look(2)
        answer = client.get("/healthz")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "last_success": "2026-03-02T09:02:00Z",
            "open_incidents": {"P0": 1, "P1": 0, "P2": 0, "P3": 0},
            "undelivered_messages": 0,
        }
        answer = client.get("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        found = samples(answer.text)
        assert found.pop("incident_ledger_last_tick_seconds") > 0
        assert found == {
            "incident_ledger_last_success_timestamp_seconds": (NOW + 2 * MINUTE).timestamp(),
            "incident_ledger_ticks_total outcome=idle": 1,
            "incident_ledger_ticks_total outcome=done": 1,
            "incident_ledger_ticks_total outcome=failed": 0,
            "incident_ledger_ticks_total outcome=busy": 0,
            "incident_ledger_ticks_total outcome=error": 0,
            "incident_ledger_looks_skipped_total": 1,
            "incident_ledger_open_incidents severity=P0": 1,
            "incident_ledger_open_incidents severity=P1": 0,
            "incident_ledger_open_incidents severity=P2": 0,
            "incident_ledger_open_incidents severity=P3": 0,
            "incident_ledger_undelivered_messages": 0,
            "incident_ledger_warehouse_errors_total": 0,
        }
        watched.minute = 6
        assert client.get("/healthz").status_code == 503
        assert [client.get("/").status_code, client.post("/metrics").status_code] == [404, 405]


def test_what_a_channel_refused_is_undelivered_and_the_watch_is_healthy(place: Warehouse) -> None:
    watched = Watched(with_settings(place, channels=SecretStr("broken=nothing://there"))).settled()
    write(place, EventType.DETECTED, 1, severity="P0")
    watched.look(1)
    assert watched.watch.status.undelivered == 1
    assert watched.watch.status.ticks["failed"] == 1
    assert watched.watch.is_healthy
    watched.look(1.1)
    assert watched.watch.status.undelivered == 1


def test_an_address_that_is_taken_is_the_users_error(place: Warehouse) -> None:
    watch = Watched(place).watch
    with serving(watch, "127.0.0.1", 0) as url:
        taken = serving(watch, "127.0.0.1", int(url.rpartition(":")[2]))
        with pytest.raises(UserError, match="--listen"), taken:
            pass


class Process:
    """`incident-ledger watch` as a process, against a ledger by way of an endpoint."""

    def __init__(self, place: Warehouse, endpoint: str) -> None:
        names = ("local_dir", "dataset", "raw_dataset")
        variables = {f"INCIDENT_LEDGER_{name.upper()}": str(getattr(place.settings, name)) for name in names}
        self._process = subprocess.Popen(
            interruptible("watch", "--every", "1s", "--listen", "0"),
            env={
                **os.environ,
                **variables,
                "INCIDENT_LEDGER_API_ENDPOINT": endpoint,
                "PYTHONPATH": str(PROJECT_DIR / "scripts"),
            },
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.first_line = self._process.stderr.readline()

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def health(self) -> httpx.Response:
        url = next(word for word in self.first_line.split() if word.endswith("/healthz"))
        return httpx.get(url, trust_env=False, timeout=10)

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Its exit code and what it printed, after a signal."""
        self._process.send_signal(number)
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_looks_ends_it_with_0(place: Warehouse, endpoint: str, number: signal.Signals) -> None:
    with Process(place, endpoint) as process:
        until(lambda: process.health().status_code == 200)
        assert json.loads(process.health().text)["open_incidents"]["P0"] == 0
        assert process.end(number) == (0, "", "Stopped.\n")


def test_a_signal_during_a_tick_lets_it_end(place: Warehouse, endpoint: str) -> None:
    def sends(request: Request) -> bool:
        return "notifications" in request.query and "merge" in request.query

    with Relay(endpoint) as relay:
        relay.rule(sends, Delay(1.0), times=1)
        with Process(place, relay.endpoint) as process:
            until(lambda: process.health().status_code == 200)
            append(
                place, [Event(**{**vars(event(EventType.DETECTED, 0, severity="P0")), "occurred_at": _now()})], _now()
            )
            until(lambda: any(map(sends, relay.requests)))
            code, out, _ = process.end(signal.SIGTERM)
    assert code == 0
    assert "1 message sent, 1 incident open." in out
    assert statuses(place) == {"sent": 1}
    assert read(place, token_reading(place, RESPOND)) is not None  # nobody has it


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize(("arguments", "words"), [(["--every", "soon"], "--every"), (["--listen", "here"], "--listen")])
def test_a_wrong_option_ends_it_with_2(arguments: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "incident_ledger", "watch", *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR / "scripts")},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, words in done.stderr) == (2, True)
