"""The names of the environment variables that are settings: all that a command's help needs to know of them."""

from collections.abc import Iterable
from difflib import get_close_matches

PREFIX = "INCIDENT_LEDGER_"
# The fields of `settings.Settings` (a test compares them), whose libraries take longer to import than help may take.
SETTINGS = (
    "TARGET",
    "PROJECT",
    "LOCATION",
    "DATASET",
    "RAW_DATASET",
    "JOBS",
    "PIPELINE_LOGS",
    "AUDIT_LOGS",
    "KEY_INVENTORY",
    "PROJECT_DIR",
    "API_ENDPOINT",
    "API_TOKEN",
    "LOCAL_DIR",
    "LOCAL_MEMORY",
    "LOCAL_IDLE",
    "MAXIMUM_BYTES_BILLED",
    "QUERY_TIMEOUT",
    "SUITES",
    "CHANNELS",
    "TEMPLATES",
    "MAIL_FROM",
    "WAR_ROOM_URL",
    "PAGES",
    "METABASE_URL",
    "METABASE_API_KEY",
    "METABASE_DATABASE",
    "METABASE_COLLECTION",
    "DASHBOARD_URLS",
    "THREADS",
    "FAIL_ON",
    "DEBUG",
)
# What is not a setting and is read all the same: by dbt's macros and models, and by the tests.
_READ_ELSEWHERE = ("AS_OF", "CURRENT_SINCE", "SHARED_DATA")


def unknown_variables(environ: Iterable[str]) -> dict[str, str | None]:
    """Each variable that looks like a setting and is not one, with the setting that comes nearest to its name."""
    known = {*SETTINGS, *_READ_ELSEWHERE}
    unknown = sorted(name for name in environ if name.upper().startswith(PREFIX))
    parts = {name: name.upper().removeprefix(PREFIX) for name in unknown}
    nearest = {name: get_close_matches(part, known, n=1) for name, part in parts.items() if part not in known}
    return {name: PREFIX + found[0] if found else None for name, found in nearest.items()}
