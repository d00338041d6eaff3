"""What must hold of the rows about probes: the targets, and the rules that judge what was found of them. Pure."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from incident_ledger.policy.cells import Problem, Row
from incident_ledger.policy.playbook_rows import LOGS_MISSING, PROBE_RULES, PROBES_MISSING, ROWS_REJECTED, USAGE_VOLUME

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
_MOST_SECONDS = 120
_ALL_PERCENT = 100
_LIMITS = {
    PROBES_MISSING: "minutes without a probe",
    LOGS_MISSING: "minutes without an entry",
    USAGE_VOLUME: "percent that are missing",
}
_COUNTS = ("window_minutes", "min_observations", "clear_minutes")


def rule_problems(rows: Iterable[Row]) -> Iterator[Problem]:
    """What a rule about probes lacks, and numbers that are none of minutes or counts."""
    for row in rows:
        for column in _COUNTS:
            least, value = int(column != "clear_minutes"), row[column]
            if value is not None and value < least:
                yield Problem(row.where, column, f"{value} is out of range; give {least} or more, or nothing")
        if row["rule_id"] in (*PROBE_RULES, LOGS_MISSING, USAGE_VOLUME):
            for column in _COUNTS[:2]:
                if row[column] is None:
                    yield Problem(row.where, column, f"is empty; give a number: {row['rule_id']} counts observations")
            if row["window_minutes"] is not None and row["window_minutes"] <= (row["hold_minutes"] or 0):
                text = f"{row['window_minutes']} is too short for what is to hold for {row['hold_minutes']} minutes"
                yield Problem(row.where, "window_minutes", text)
        if row["rule_id"] == ROWS_REJECTED and not (row["window_minutes"] or 0) > (row["clear_minutes"] or 0) > 0:
            text = "give how long nothing is to be refused before it is over, and a longer window_minutes"
            yield Problem(row.where, "clear_minutes", text)
        if row["rule_id"] in _LIMITS and not row["lower_value"]:
            yield Problem(row.where, "lower_value", f"is empty; give after how many {_LIMITS[row['rule_id']]} it holds")


def target_problems(rows: Iterable[Row]) -> Iterator[Problem]:
    """What makes a target that cannot be called, or whose key would be given away."""
    for row in rows:
        yield from _address(row)
        yield from _key(row)
        if not row["component"].startswith(f"{row['kind']}:"):
            text = f"{row['component']!r} does not begin with its kind; write it as {row['kind']}:NAME"
            yield Problem(row.where, "component", text)
        if not 0 < row["timeout_seconds"] <= _MOST_SECONDS:
            text = f"{row['timeout_seconds']} is out of range; give more than 0 and at most {_MOST_SECONDS}"
            yield Problem(row.where, "timeout_seconds", text)
        if not 0 < row["error_percent"] <= _ALL_PERCENT:
            yield Problem(
                row.where, "error_percent", f"{row['error_percent']} is no share; give more than 0, up to 100"
            )
        for column in ("latency_deviations", "latency_percent"):
            if row[column] <= 0:
                yield Problem(row.where, column, f"{row[column]} is out of range; give more than 0")


def _address(row: Row) -> Iterator[Problem]:
    url = row["url"]
    if row["kind"] == "warehouse":
        if url is not None:
            yield Problem(row.where, "url", "is of the warehouse, whose address is a setting; leave it empty")
        return
    if url is None or (parts := _parts(url)) is None:
        yield Problem(row.where, "url", "is no address of http or https; write it as https://api.example.com/v1/usage")
        return
    # What may be a secret is not repeated.
    if "@" in parts[1]:
        yield Problem(row.where, "url", "holds a login; name the variable with the key in key_variable instead")
    if row["key_variable"] is not None and parts[0] != "https" and parts[2] not in _LOCAL_HOSTS:
        yield Problem(row.where, "url", "is not https: the key would go over the network in the clear")


def _parts(url: str) -> tuple[str, str, str] | None:
    """Scheme, network location and host."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    is_plain = all(character.isprintable() and not character.isspace() for character in url)
    return (parts.scheme, parts.netloc, parts.hostname or "") if is_address and is_plain else None


def _key(row: Row) -> Iterator[Problem]:
    variable, header, scheme = row["key_variable"], row["key_header"], row["key_scheme"]
    if (variable is None) != (header is None):
        column = "key_variable" if variable is None else "key_header"
        yield Problem(
            row.where, column, "is empty; a key needs the variable that holds it and the header that carries it"
        )
    if variable is not None and not _VARIABLE.fullmatch(variable):
        yield Problem(row.where, "key_variable", "is no name of an environment variable, and never the key itself")
    if header is not None and not _HEADER.fullmatch(header):
        yield Problem(row.where, "key_header", f"{header!r} is no name of a header; write it as x-api-key")
    if scheme is not None and (header is None or not _HEADER.fullmatch(scheme)):
        yield Problem(row.where, "key_scheme", f"{scheme!r} is no word before a key; write it as Bearer, or nothing")
