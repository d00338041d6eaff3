"""Every statement that our client sends in the tests (Great Expectations' too), read by Google's analyzer at the end.

What the local warehouse takes and BigQuery would refuse is named with the test that sent it. One record a process: with
pytest-xdist each worker checks its own; statements of subprocesses are not seen.
"""

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from incident_ledger.warehouse.client import Client

# Datasets of the tests have names of their own each, and literals differ by a number: the same statement, read once.
_DATASET = re.compile(r"\bt[0-9a-f]{10}(?=_|\b)")
_NUMBER = re.compile(r"\d+")
_DROP = re.compile(r"(?i)\bdrop\s+table\b")


@dataclass(frozen=True)
class Statement:
    """One statement as it was sent, with the schemas (as BigQuery's API gives them) of the tables that it names."""

    sql: str
    params: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, list[Mapping[str, Any]]]
    project: str
    dataset: str | None
    test: str


@dataclass
class Recorder:
    """Distinct statements that the local warehouse took, in the order in which they were sent."""

    statements: dict[str, Statement] = field(default_factory=dict)
    is_paused: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def watch(self, client_class: type) -> Iterator["Recorder"]:
        """Record what clients of this class send."""
        original = client_class.query  # type: ignore[attr-defined]

        def query(client: Any, query: str, job_config: Any = None, **options: Any) -> Any:
            # What a script drops is gone after it; all else is looked up once the server has taken the statement.
            dropped = _schemas(client, query, job_config) if _DROP.search(query) and not self.is_paused else {}
            job = original(client, query, job_config=job_config, **options)
            if not self.is_paused and getattr(job, "error_result", None) is None:
                self._record(client, query, job_config, dropped)
            return job

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client_class, "query", query)
            yield self

    def _record(self, client: Any, sql: str, config: Any, dropped: Mapping[str, Any]) -> None:
        params = _params(config)
        key = _NUMBER.sub("0", _DATASET.sub("dataset", sql)) + repr(params)
        with self._lock:
            if key in self.statements:
                return
            default = getattr(config, "default_dataset", None)
            self.statements[key] = Statement(
                sql=sql,
                params=params,
                tables={**dropped, **_schemas(client, sql, config)},
                project=default.project if default else client.project,
                dataset=default.dataset_id if default else None,
                test=os.environ.get("PYTEST_CURRENT_TEST", "").removesuffix(" (call)"),
            )

    def refused(self) -> list[str]:
        """Each statement that Google's analyzer refuses, and why; those read are forgotten."""
        with self._lock:
            taken, self.statements = list(self.statements.values()), {}
        return [words for statement in taken if (words := _refusal(statement))]


_RECORDER = Recorder()


@contextmanager
def expected_to_be_refused() -> Iterator[None]:
    """What is sent inside is wrong on purpose: BigQuery would refuse it, and the local warehouse may not."""
    before, _RECORDER.is_paused = _RECORDER.is_paused, True
    try:
        yield
    finally:
        _RECORDER.is_paused = before


@pytest.fixture(scope="session", autouse=True)
def recorder() -> Iterator[Recorder]:
    """The record of this process; what no test has read by the end is read then."""
    with _RECORDER.watch(Client):
        yield _RECORDER
    assert_accepted(_RECORDER)


def assert_accepted(recorder: Recorder) -> None:
    """Fails with each statement that BigQuery would refuse."""
    refused = recorder.refused()
    assert not refused, "BigQuery would refuse what these tests sent:\n\n" + "\n\n".join(refused)


def _refusal(statement: Statement) -> str | None:
    from engines.googlesql import Catalog, RefusedError, analyze_all
    from engines.values import field_type, parameter_type

    catalog = Catalog(statement.project, statement.dataset)
    for name, schema in statement.tables.items():
        catalog.add(name, {column["name"]: field_type(column) for column in schema})
    try:
        analyze_all(statement.sql, catalog, {name: parameter_type(kind) for name, kind in statement.params.items()})
    except RefusedError as error:
        return f"{statement.test}\n{error}\n{statement.sql}"
    return None


def _params(config: Any) -> dict[str, Mapping[str, Any]]:
    sent = [parameter.to_api_repr() for parameter in getattr(config, "query_parameters", None) or ()]
    return {parameter.get("name") or f"#{place}": parameter["parameterType"] for place, parameter in enumerate(sent)}


def _schemas(client: Any, sql: str, config: Any) -> dict[str, list[Mapping[str, Any]]]:
    """The schemas of the tables that the statement names; one that is not there is left to the analyzer to miss."""
    from google.api_core.exceptions import GoogleAPICallError

    from engines.googlesql import table_names

    default = getattr(config, "default_dataset", None)
    found = {}
    for parts in table_names(sql):
        path = [part for word in parts for part in word.split(".")]
        if len(path) == 1 and default is not None:
            path = [default.dataset_id, *path]
        if len(path) == 2:
            path = [default.project if default and len(parts) == 1 else client.project, *path]
        if len(path) != 3:
            continue
        with suppress(GoogleAPICallError, OSError):
            # The server answers when it is done with what it works on, which takes longer beside other tests.
            table = client.get_table(".".join(path), retry=None, timeout=30)
            found[".".join(path)] = [column.to_api_repr() for column in table.schema]
    return found
