"""Suites from files of Great Expectations' own JSON, with every rule accounted for.

Great Expectations drops a rule that it does not understand, logs it and lets the suite pass. Here each rule of the file
comes back, as one that can be evaluated or as one with an error; a file without rules comes back with only the error.
Files from before its version 1.0 are read as they are.

Of a suite's `meta`, `table` (see `TableName`), `owner`, `day_column` and what `partitions` describes are read. Of a
rule's `meta`: `rule_id`, `owner`, `dimension`, `description` and `scope` (`batch`, the default, or `window`: checked
over the last `lookback_days` as one batch, as freshness is). `rule_ids` gives an id to a rule without `rule_id`.
"""

from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from incident_ledger.encoding import read_json
from incident_ledger.errors import UserError
from incident_ledger.quality.legacy_format import rule_of_today, suite_of_today
from incident_ledger.quality.rule_ids import Draft, short_name, with_ids
from incident_ledger.quality.rule_schema import form_error, json_type, reason_of, text_or_none
from incident_ledger.quality.suite_types import SEVERITIES, Rule, Suite, TableName, build
from incident_ledger.settings import Settings

__all__ = ["Rule", "Suite", "TableName", "build", "load_contents", "load_folders", "load_suite", "meta_of"]

_MOST_BYTES = 10_000_000


def load_suite(path: Path, shown: str | None = None) -> Suite:
    """The suite of a file. Never raises for what the file contains: that is a finding of the suite or of a rule."""
    name, file = path.stem, shown or path.name
    try:
        content = read_json(_bytes(path))
    except (OSError, ValueError) as error:
        return Suite(name=name, file=file, error=f"{file} is not a suite: {reason_of(error)}")
    if not isinstance(content, dict):
        return Suite(name=name, file=file, error=f"{file} is not a suite: it is {json_type(content)}, not an object")
    content = suite_of_today(content)
    meta = content.get("meta") or {}
    if not isinstance(meta, dict):
        return Suite(name=name, file=file, error=f"{file}: meta is {json_type(meta)}, not an object")
    name = content["name"] if isinstance(content.get("name"), str) else name
    written = content.get("expectations")
    if not isinstance(written, list) or not written:
        return Suite(name=name, file=file, meta=meta, error=f"{file} has no expectations: a suite must have a rule")
    return Suite(name=name, file=file, meta=meta, rules=with_ids([_draft(*item) for item in enumerate(written, 1)]))


def load_folders(settings: Settings, files: Container[str] | None = None) -> list[Suite]:
    """The suites of all folders of the settings, by file name; only those of `files`, if given.

    Raises `UserError` for a folder that is not there.
    """
    for folder in settings.suite_dirs:
        if not folder.is_dir():
            raise UserError(f"There is no folder of suites {folder}: fix INCIDENT_LEDGER_SUITES.")
    paths = _files(settings).items()
    return [load_suite(path, shown) for shown, path in paths if files is None or shown in files]


def load_contents(settings: Settings) -> dict[str, Any]:
    """What stands in each suite's file, None where that is not JSON: known without Great Expectations."""
    return {shown: _content(path) for shown, path in _files(settings).items()}


def meta_of(content: Any) -> Mapping[str, Any]:
    """The `meta` of a suite's content, {} where there is none."""
    meta = content.get("meta") if isinstance(content, dict) else None
    return meta if isinstance(meta, dict) else {}


def _content(path: Path) -> Any:
    try:
        return read_json(_bytes(path))
    except (OSError, ValueError):
        return None


def _files(settings: Settings) -> dict[str, Path]:
    """Every suite's file by its unique name, which is part of the keys of its results.

    By its place in the project, or only its name where it lies outside; a second one of a name by its whole path.
    """
    files: dict[str, Path] = {}
    for folder in dict.fromkeys(settings.suite_dirs):
        for path in sorted(folder.glob("*.json")):
            inside = path.is_relative_to(settings.project_dir)
            shown = str(path.relative_to(settings.project_dir)) if inside else path.name
            files[str(path) if shown in files else shown] = path
    return files


def _bytes(path: Path) -> bytes:
    """What is in the file. Raises `OSError` for what cannot be read, or would not end."""
    if path.exists() and not path.is_file():
        raise OSError("it is not a file")
    if path.stat().st_size > _MOST_BYTES:
        raise OSError(f"it has {path.stat().st_size:,} bytes, more than {_MOST_BYTES:,}")
    return path.read_bytes()


def _draft(position: int, item: Any) -> Draft:
    """One rule of a file, checked as far as can be without its table."""
    if not isinstance(item, dict):
        return _broken(position, f"rule {position} is {json_type(item)}, not an object")
    item = rule_of_today(item)
    meta, kind, kwargs = item.get("meta") or {}, item.get("type"), item.get("kwargs")
    if not isinstance(meta, dict) or not isinstance(kwargs, dict | None):
        return _broken(position, f"rule {position}: meta and kwargs must be objects")
    severity, scope = item.get("severity", "critical"), meta.get("scope", "batch")
    rule_id, gx_id = text_or_none(meta.get("rule_id")), text_or_none(item.get("id"))
    rule = Rule(
        type=kind if isinstance(kind, str) else "",
        kwargs=kwargs or {},
        severity=severity if severity in SEVERITIES else "critical",
        owner=text_or_none(meta.get("owner")),
        dimension=text_or_none(meta.get("dimension")),
        description=text_or_none(meta.get("description")) or text_or_none(item.get("description")),
        scope="window" if scope == "window" else "batch",
        label=None if rule_id else short_name(str(kind), kwargs or {}),
        meta=meta,
    )
    error = form_error(item, meta, rule) or _great_expectations_error(rule)
    rule = replace(rule, error=error) if error else rule
    return Draft(rule, rule_id, gx_id)


def _broken(position: int, error: str) -> Draft:
    return Draft(Rule(type="", error=error), rule_id=f"rule_{position}")


def _great_expectations_error(rule: Rule) -> str | None:
    from great_expectations.exceptions import ExpectationNotFoundError

    try:
        _ = rule.expectation
    except ExpectationNotFoundError:
        return f"there is no expectation {rule.type!r}"
    except Exception as error:  # whatever the library raises at a rule is that rule's finding
        return f"{rule.type}: {reason_of(error)}"
    return None
