"""Labels of jobs, by which a bill shows what it is for: `command`, `run`, `step` and `model`, beside `app`.

A process does one command at a time; which one, its run and its step are known to every thread of it. A model (or the
table that is checked) belongs to the thread that works on it. dbt names the model of its own statements: see
the macro `job_comment`.
"""

import copy
import math
import re
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

APP = "incident-ledger"
_OTHERS = re.compile(r"[^a-z0-9_-]")
_LONGEST = 63

_process: dict[object, dict[str, str]] = {}
_model: ContextVar[str | None] = ContextVar("model", default=None)


def label_value(text: str) -> str:
    """A text as BigQuery takes it for a label: lower case letters, digits, _ and -, at most 63."""
    return _OTHERS.sub("_", text.strip().lower())[:_LONGEST]


@contextmanager
def labelled(**labels: str) -> Iterator[None]:
    """Jobs that this process sends meanwhile carry these labels too, the inner block's before the outer one's.

    Blocks of several threads may end in any order: each takes away its own labels and no other's.
    """
    block = object()
    _process[block] = labels
    try:
        yield
    finally:
        del _process[block]


@contextmanager
def labelled_model(model: str) -> Iterator[None]:
    """Jobs that this thread sends meanwhile are about this table."""
    token = _model.set(model)
    try:
        yield
    finally:
        _model.reset(token)


def job_labels() -> dict[str, str]:
    """The labels of a job that is sent now."""
    model = _model.get()
    found = {"app": APP, **ChainMap(*reversed(list(_process.values()))), **({"model": model} if model else {})}
    return {name: label_value(value) for name, value in found.items()}


def with_labels(config: Any, seconds: float, **more: str) -> Any:
    """A job's configuration with our labels, those of its caller before them, and a limit on its time."""
    labelled_config = copy.deepcopy(config)
    labelled_config.labels = {**job_labels(), **more, **(config.labels or {})}
    if labelled_config.job_timeout_ms is None:
        labelled_config.job_timeout_ms = math.ceil(seconds * 1000)
    return labelled_config


def label_jobs(client: Any, seconds: float) -> None:
    """Let a client that dbt made label its jobs, and limit the time of those that dbt does not limit: loads, copies."""
    client.query = partial(_query, client.query, seconds)
    client.load_table_from_file = partial(_load, client.load_table_from_file, seconds)
    client.copy_table = partial(_copy, client.copy_table, seconds)


def _query(send: Any, seconds: float, *args: Any, job_config: Any, **options: Any) -> Any:
    return send(*args, job_config=with_labels(job_config, seconds), **options)


def _load(send: Any, seconds: float, file: Any, table: Any, *, job_config: Any, **options: Any) -> Any:
    name = getattr(table, "table_id", None) or str(table).rsplit(".", 1)[-1]
    return send(file, table, job_config=with_labels(job_config, seconds, model=label_value(name)), **options)


def _copy(send: Any, seconds: float, sources: Any, table: Any, *, job_config: Any, **options: Any) -> Any:
    config = with_labels(job_config, seconds, model=label_value(table.table_id))
    return send(sources, table, job_config=config, **options)
