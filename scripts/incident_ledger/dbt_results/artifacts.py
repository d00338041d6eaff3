"""The artifacts of a dbt project: `run_results.json`, `sources.json` and `manifest.json`, of dbt 1.7 to 1.12.

Only what is read here is checked; what a version adds is passed over. What is no artifact, is cut short, or has a
schema of another version is a `UserError` that names the file, the place and what to do.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from incident_ledger.encoding import JsonError, read_json, shortened
from incident_ledger.errors import UserError

# By artifact its file, and the versions of its schema that dbt 1.7 to 1.12 write.
# https://schemas.getdbt.com has them; 1.7 wrote manifest v11 and run-results v5, later ones v12 and v6.
RUN_RESULTS, SOURCES, MANIFEST = "run-results", "sources", "manifest"
FILES = {RUN_RESULTS: "run_results.json", SOURCES: "sources.json", MANIFEST: "manifest.json"}
VERSIONS = {RUN_RESULTS: (5, 6), SOURCES: (3,), MANIFEST: (11, 12)}
_SCHEMA = re.compile(r"https://schemas\.getdbt\.com/dbt/([a-z-]+)/v(\d+)\.json")
_MAX_BYTES = 500_000_000
_MAX_ID_CHARACTERS = 1_000  # a test's name has at most 250 or so
# The commands of dbt that build or test nodes.
_WORKING = ("build", "run", "test", "seed", "snapshot", "retry", "run-operation")


def _utc(time: datetime) -> datetime:
    """dbt writes UTC, in some versions without saying so."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _mapping(value: Any) -> Any:
    return {} if value is None else value


Time = Annotated[datetime, AfterValidator(_utc)]
UniqueId = Annotated[str, Field(min_length=1, max_length=_MAX_ID_CHARACTERS)]


class Metadata(BaseModel):
    """Who wrote an artifact and when."""

    dbt_schema_version: str
    dbt_version: str = ""
    generated_at: Time
    invocation_id: str | None = None
    project_name: str | None = None


class Timing(BaseModel):
    """One phase of a node's work."""

    name: str
    started_at: Time | None = None
    completed_at: Time | None = None


class RunResult(BaseModel):
    """One node of `run_results.json`."""

    unique_id: UniqueId
    status: str = Field(min_length=1)
    timing: tuple[Timing, ...] = ()
    execution_time: float = 0.0
    message: str | None = None
    failures: int | None = None
    adapter_response: Annotated[Mapping[str, Any], BeforeValidator(_mapping)] = {}
    compiled_code: str | None = None
    relation_name: str | None = None


class Args(BaseModel):
    """How dbt was called, as far as it says."""

    which: str | None = None
    empty: bool | None = None


class RunResults(BaseModel):
    """`run_results.json`."""

    metadata: Metadata
    results: tuple[RunResult, ...]
    args: Args = Args()

    @property
    def idle(self) -> str | None:
        """Why the statuses say nothing about data, in words: dbt also writes this file where it only compiles."""
        if self.args.which is not None and self.args.which not in _WORKING:
            return f"is of `dbt {self.args.which}`, which builds and tests nothing"
        return "is of a run with --empty, which read no rows" if self.args.empty else None


class Freshness(BaseModel):
    """One source of `sources.json`; of one that could not be asked, the error alone."""

    unique_id: UniqueId
    status: str = Field(min_length=1)
    error: str | None = None
    max_loaded_at: Time | None = None
    snapshotted_at: Time | None = None
    timing: tuple[Timing, ...] = ()
    execution_time: float = 0.0


class Sources(BaseModel):
    """`sources.json`."""

    metadata: Metadata
    results: tuple[Freshness, ...]


class Owner(BaseModel):
    """Of a group or an exposure."""

    name: str | None = None
    email: str | Sequence[str] | None = None

    @property
    def text(self) -> str | None:
        """An address where there is one, so that a message can reach it."""
        email = self.email if isinstance(self.email, str) or self.email is None else next(iter(self.email), None)
        return email or self.name


class NodeConfig(BaseModel):
    """What a project configures of a node; of a test also what it counts, and of what."""

    meta: Annotated[Mapping[str, Any], BeforeValidator(_mapping)] = {}
    where: str | None = None
    limit: int | None = None
    fail_calc: str | None = None


class _Name(BaseModel):
    name: str | None = None


class _DependsOn(BaseModel):
    nodes: tuple[str, ...] = ()


class Node(BaseModel):
    """A node of `manifest.json`: a model, a test, a source, an exposure."""

    unique_id: UniqueId
    name: str
    resource_type: str
    depends_on: _DependsOn = _DependsOn()
    attached_node: str | None = None
    group: str | None = None
    owner: Owner | None = None
    config: Annotated[NodeConfig, BeforeValidator(_mapping)] = NodeConfig()
    meta: Annotated[Mapping[str, Any], BeforeValidator(_mapping)] = {}
    test_metadata: _Name | None = None
    source_name: str | None = None


class Group(BaseModel):
    """A group of `manifest.json`."""

    name: str
    owner: Owner | None = None


class Manifest(BaseModel):
    """`manifest.json`."""

    metadata: Metadata
    nodes: Mapping[str, Node]
    sources: Mapping[str, Node] = {}
    exposures: Mapping[str, Node] = {}
    unit_tests: Mapping[str, Node] = {}
    groups: Mapping[str, Group] = {}

    @property
    def everything(self) -> dict[str, Node]:
        """All nodes by id, whichever kind they are."""
        return {**self.nodes, **self.sources, **self.exposures, **self.unit_tests}


Artifact = RunResults | Sources | Manifest
_MODELS: Mapping[str, type[Artifact]] = {RUN_RESULTS: RunResults, SOURCES: Sources, MANIFEST: Manifest}


def read_artifact(path: Path) -> Artifact:
    """The file, checked: which artifact it is, its metadata say."""
    value = _json(path)
    artifact = _artifact_of(path, value)
    try:
        read = _MODELS[artifact].model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise UserError(
            f"{path}: {shortened(place, 200)}: {first['msg']}. It is no whole {FILES[artifact]} of dbt: "
            "let dbt write it again."
        ) from None
    if isinstance(read, RunResults) and read.idle:
        raise UserError(f"{path}: {read.idle}. Ingest after dbt build, run or test.")
    return read


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UserError(f"{path}: has over {_MAX_BYTES // 1_000_000} MB, which no artifact of dbt has.")
        return read_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name dbt's target folder.") from None
    except JsonError as error:
        raise UserError(
            f"{path}: {error}. dbt was perhaps stopped while it wrote: run it again, then ingest again."
        ) from None


def _artifact_of(path: Path, value: Any) -> str:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    written = metadata.get("dbt_schema_version") if isinstance(metadata, dict) else None
    match = _SCHEMA.fullmatch(written) if isinstance(written, str) else None
    if match is None or match[1] not in VERSIONS:
        raise UserError(f"{path}: is none of dbt's {', '.join(FILES.values())} (its metadata name no such schema).")
    artifact = match[1]
    if int(match[2]) not in VERSIONS[artifact]:
        known = " and ".join(f"v{version}" for version in VERSIONS[artifact])
        raise UserError(
            f"{path}: is written in schema {artifact}/v{match[2]}; {known}, of dbt 1.7 to 1.12, can be read. "
            "Nothing was taken in."
        )
    return artifact
