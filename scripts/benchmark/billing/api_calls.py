"""Requests as they come over HTTP, read as calls of BigQuery's API (v2), whoever sends them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit


class Kind(StrEnum):
    """What a call asks for. `follow_up`: the state or the rows of a job, or the data of an upload: part of that job."""

    QUERY = "query"
    LOAD = "load"
    COPY = "copy"
    STREAM = "stream"
    METADATA = "metadata"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True)
class ApiCall:
    """One call. `configuration` is that of a job, as `jobs.insert` takes it; `began` and `ended` are by a clock (s)."""

    kind: Kind
    configuration: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None  # `dataset.table` that a load, a copy or a stream writes
    is_dbt: bool = False
    is_dry_run: bool = False
    began: float = 0.0
    ended: float = 0.0

    @property
    def sql(self) -> str:
        """The statement; '' for what is none."""
        return str(self.configuration.get("query", {}).get("query", ""))

    @property
    def dataset(self) -> str | None:
        """The dataset of tables that the statement names without one."""
        default = self.configuration.get("query", {}).get("defaultDataset") or {}
        return default.get("datasetId")

    @property
    def parameters(self) -> dict[str, Any]:
        """Bound values by name: a text, or a list of texts."""
        given = self.configuration.get("query", {}).get("queryParameters") or []
        return {each["name"]: _value(each.get("parameterValue") or {}) for each in given if each.get("name")}

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of a job."""
        return self.configuration.get("labels") or {}

    @property
    def node(self) -> str | None:
        """The node of dbt that sent it."""
        return self.labels.get("node_id")


_PATH = re.compile(r"^(?P<upload>/(?:resumable/)?upload)?/bigquery/v2/projects/[^/]+/(?P<rest>.*)$")
_STREAM = re.compile(r"^datasets/(?P<dataset>[^/]+)/tables/(?P<table>[^/]+)/insertAll$")
_ROWS = re.compile(r"^(?:queries/[^/]+|jobs/.+|datasets/[^/]+/tables/[^/]+/data)$")


def api_call(
    method: str, path: str, headers: Mapping[str, str], body: bytes, *, began: float = 0.0, ended: float = 0.0
) -> ApiCall | None:
    """The call that a request makes; None for what is no request to BigQuery's API."""
    found = _PATH.match(unquote(urlsplit(path).path))
    if found is None:
        return None
    rest, is_post = found["rest"], method == "POST"
    agent = " ".join(value for name, value in headers.items() if name.lower() in {"user-agent", "x-goog-api-client"})
    common: dict[str, Any] = {"is_dbt": "dbt" in agent.lower(), "began": began, "ended": ended}
    if found["upload"]:
        configuration = _content(body).get("configuration") if is_post else None
        return _job(configuration, common) if configuration else ApiCall(Kind.FOLLOW_UP, **common)
    if is_post and rest == "jobs":
        return _job(_content(body).get("configuration") or {}, common)
    if is_post and rest == "queries":
        return _job(_as_job(_content(body)), common)
    if (stream := _STREAM.match(rest)) is not None:
        return ApiCall(Kind.STREAM, target=f"{stream['dataset']}.{stream['table']}", **common)
    return ApiCall(Kind.FOLLOW_UP if _ROWS.match(rest) else Kind.METADATA, **common)


def _job(configuration: Mapping[str, Any], common: Mapping[str, Any]) -> ApiCall:
    kind = next((kind for kind in (Kind.LOAD, Kind.COPY) if kind.value in configuration), Kind.QUERY)
    target = configuration.get(kind.value, {}).get("destinationTable") if kind is not Kind.QUERY else None
    name = f"{target['datasetId']}.{target['tableId']}" if target else None
    return ApiCall(kind, configuration, name, is_dry_run=bool(configuration.get("dryRun")), **common)


def _as_job(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request of `jobs.query` as the configuration of the job that it makes."""
    query = {name: request[name] for name in ("query", "defaultDataset", "queryParameters") if name in request}
    if "maximumBytesBilled" in request:
        query["maximumBytesBilled"] = request["maximumBytesBilled"]
    outside = {name: request[name] for name in ("labels", "dryRun", "jobTimeoutMs") if name in request}
    return {"query": query, **outside}


def _content(body: bytes) -> dict[str, Any]:
    """The JSON of a body, or of the first part of one that has several."""
    start = body.find(b"{")
    if start < 0:
        return {}
    try:
        content, _ = json.JSONDecoder().raw_decode(body[start:].decode(errors="replace"))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _value(value: Mapping[str, Any]) -> Any:
    if "arrayValues" in value:
        return [_value(each) for each in value["arrayValues"]]
    return value.get("value")
