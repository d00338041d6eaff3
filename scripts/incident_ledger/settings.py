"""All settings, read from the environment once. Secrets are `SecretStr` and are never printed."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from incident_ledger.errors import UserError
from incident_ledger.variables import PREFIX

MAX_THREADS = 64
"""Most that `threads` may be: each sends a request at a time, for which a connection is kept."""

INCIDENT_PAGE, INCIDENT_PLACE = "incident", "{incident_id}"
"""The name in `dashboard_urls` of an incident's own page, and what stands for its id there."""

_TABLE = r"(?:[A-Za-z0-9_-]+\.)?[A-Za-z0-9_]+\.[A-Za-z0-9_]+"


class Settings(BaseSettings):
    """One object for the whole process; every field is the environment variable `INCIDENT_LEDGER_<FIELD>`.

    `dataset` holds the marts; dbt derives `<dataset>_staging` and `<dataset>_policy` from it. `raw_dataset` holds what
    the runner writes. `jobs` is the view of this project's jobs, from which `fct_warehouse_costs` is built; empty: it
    is not. `pipeline_logs` and `audit_logs` are tables of Cloud Logging sinks (date-sharded ones end in `_*`),
    `key_inventory` is one of Cloud Asset Inventory; empty: there is none. `api_token` is shown to the server at
    `api_endpoint` and to no other. `war_room_url` is where people meet unless a command names another place. `pages`
    is the folder whose pages each `run` writes again. Metabase knows the warehouse as `metabase_database` and has what
    is published in `metabase_collection`; `metabase_api_key` is shown to the server at `metabase_url` and to no other.
    `dashboard_urls` is a JSON object with the address of each dashboard, and with `incident` that of an incident's
    page.
    Times are seconds, sizes are bytes unless the name says otherwise.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    target: Literal["local", "prod"] = "local"
    project: str = "ai-workflows-459123"
    location: str = "US"
    dataset: str = "ai_usage_prod"
    raw_dataset: str = "incident_ledger_raw"
    jobs: str = ""
    pipeline_logs: str = ""
    audit_logs: str = ""
    key_inventory: str = ""
    project_dir: Path = Field(default_factory=lambda: find_project_dir(Path.cwd()))
    api_endpoint: str | None = None
    api_token: SecretStr | None = None
    local_dir: Path | None = None
    local_memory: str = "2GB"
    local_idle: float = Field(default=600.0, gt=0)
    maximum_bytes_billed: int = Field(default=100 * 1024**3, ge=10 * 1024**2)
    query_timeout: float = Field(default=600.0, gt=0, le=86_400)
    suites: str = "tests/gx"
    channels: SecretStr | None = None
    templates: str = ""
    mail_from: str = "incident-ledger@localhost"
    war_room_url: str = ""
    pages: str = ""
    metabase_url: str = ""
    metabase_api_key: SecretStr | None = None
    metabase_database: str = ""
    metabase_collection: str = Field(default="Incident Ledger", min_length=1, max_length=100)
    dashboard_urls: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    threads: int = Field(default=4, ge=1, le=MAX_THREADS)
    fail_on: str | None = None
    debug: bool = False

    @field_validator("project")
    @classmethod
    def _project_name(cls, value: str) -> str:
        return _only(r"[A-Za-z0-9_-]+", value, "letters, digits, '_' and '-'")

    @field_validator("dataset", "raw_dataset")
    @classmethod
    def _dataset_name(cls, value: str) -> str:
        # BigQuery's own rule; dbt would fail in the middle of a run.
        return _only(r"[A-Za-z0-9_]+", value, "letters, digits and '_'")

    @field_validator("jobs")
    @classmethod
    def _view_of_jobs(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_]+){1,2}", value):
            raise ValueError("is not a dataset and a table; write region-us.INFORMATION_SCHEMA.JOBS for your region")
        return value

    @field_validator("pipeline_logs", "audit_logs")
    @classmethod
    def _table_of_a_sink(cls, value: str) -> str:
        if value and not re.fullmatch(rf"{_TABLE}(?:_\*)?", value):
            raise ValueError(
                "is not a dataset and a table; write logs.run_googleapis_com_stdout, or with its project, and with _* "
                "at its end where the sink writes a table a day"
            )
        return value

    @field_validator("key_inventory")
    @classmethod
    def _table_of_an_inventory(cls, value: str) -> str:
        if value and not re.fullmatch(_TABLE, value):
            raise ValueError("is not a dataset and a table; write assets.keys, or with its project")
        return value

    @field_validator("api_endpoint")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None or is_web_address(value):
            return value
        # What is wrong is not repeated (it may hold a password), but for an address that lacks only its scheme.
        better = f"http://{value}"
        better = better if is_web_address(better) and not set("@/") & set(value) else "http://127.0.0.1:9050"
        raise ValueError(f"is not an address of http or https; write {better}")

    @field_validator("api_token", "metabase_api_key")
    @classmethod
    def _header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _only(r"[!-~]+", value.get_secret_value(), "visible characters of ASCII, without spaces")
        return value

    @field_validator("war_room_url")
    @classmethod
    def _war_room(cls, value: str) -> str:
        if value and not is_web_address(value):
            raise ValueError("is not an address of http or https; write https://meet.example.com/room")
        return value

    @field_validator("dashboard_urls", mode="before")
    @classmethod
    def _dashboards(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            urls = json.loads(value or "{}")
        except ValueError:
            urls = None
        if not isinstance(urls, dict) or not all(isinstance(url, str) and is_web_address(url) for url in urls.values()):
            raise ValueError(
                'is not JSON of addresses; write {"system-health": "https://metabase.example.com/dashboard/1"}'
            )
        if INCIDENT_PLACE not in urls.get(INCIDENT_PAGE, INCIDENT_PLACE):
            raise ValueError(f"has an address for {INCIDENT_PAGE} without {INCIDENT_PLACE}, where its id is to stand")
        return urls

    @field_validator("metabase_url")
    @classmethod
    def _metabase(cls, value: str) -> str:
        # What is wrong is not repeated: it may hold a password.
        if value and (not is_web_address(value) or set("@?#") & set(value)):
            raise ValueError("is not an address of http or https alone; write https://metabase.example.com")
        return value.rstrip("/")

    @property
    def policy_dataset(self) -> str:
        """Where dbt puts the seeds of `seeds/policy/`."""
        return f"{self.dataset}_policy"

    @property
    def staging_dataset(self) -> str:
        """Where dbt puts staging and intermediate models."""
        return f"{self.dataset}_staging"

    @property
    def local_path(self) -> Path:
        """The folder of the local warehouse: its data, its log, its outbox."""
        return (self.local_dir or self.project_dir / ".local").resolve()

    @property
    def templates_dir(self) -> Path | None:
        """The folder of a team's own messages, a relative one below the project; None without."""
        return self.project_dir / self.templates if self.templates else None

    @property
    def pages_dir(self) -> Path | None:
        """The folder of the dashboards' pages, a relative one below the project; None without."""
        return self.project_dir / self.pages if self.pages else None

    @property
    def suite_dirs(self) -> list[Path]:
        """Folders of Great Expectations suites; relative ones are below the project."""
        return [self.project_dir / part for part in self.suites.split(":") if part]


def _only(pattern: str, value: str, what: str) -> str:
    if not re.fullmatch(pattern, value):
        raise ValueError(f"may hold only {what}")
    return value


def is_web_address(text: str) -> bool:
    """Whether it is an address of http or https with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, a bracket that is not closed
        return False


def find_project_dir(start: Path) -> Path:
    """The folder with `dbt_project.yml` at or above `start`, else the one that this package was installed from."""
    for folder in (start, *start.parents, *Path(__file__).resolve().parents):
        if (folder / "dbt_project.yml").is_file():
            return folder
    return start


def load_settings() -> Settings:
    """Settings from the environment.

    Raises `UserError` naming each variable that is wrong and why; no value that may be secret is repeated.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'_'.join(map(str, item['loc'])).upper()}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        ]
        raise UserError("Settings that cannot be used:\n  " + "\n  ".join(lines)) from None
