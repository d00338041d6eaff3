"""Requests checked against an OpenAPI 3.0 document: the path, the parameters and the body."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import yaml
from jsonschema import Draft202012Validator

# What Metabase's own document (docs/api.json of metabase/metabase) has and this one lacks: what dbt-metabase asks.
BEYOND: Mapping[str, Any] = {
    "/database/{databaseId}/metadata": {
        "get": {"parameters": [{"in": "query", "name": "include_hidden", "schema": {"type": "boolean"}}]}
    },
    "/database/{databaseId}/sync_schema": {"post": {}},
}
BEYOND_FIELD = {"fk_target_field_id": {"type": "integer", "nullable": True}}


class OpenApi:
    """A document. `faults` says what is wrong with a request, nothing for one that it allows."""

    def __init__(self, path: Path) -> None:
        document = yaml.safe_load(path.read_text())
        self._paths = document["paths"] | BEYOND
        self._components = _nullable(document["components"])
        self._components["schemas"]["UpdateFieldBody"]["properties"] |= _nullable(BEYOND_FIELD)

    def faults(self, method: str, path: str, query: str, body: Any) -> Iterator[str]:
        """Each fault of a request below `/api`."""
        found = next((each for each in sorted(self._paths) if _matches(each, path)), None)
        operation = self._paths.get(found, {}).get(method.lower()) if found else None
        if operation is None:
            yield f"{method} {path} is not in the document"
            return
        known = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
        for name, values in parse_qs(query, keep_blank_values=True).items():
            if name not in known:
                yield f"{method} {path} has no parameter {name}"
                continue
            schema = known[name].get("items", known[name])
            yield from (fault for value in values for fault in self._invalid(schema, _typed(value, schema)))
        wanted = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if wanted is None and body is not None:
            yield f"{method} {path} takes no body"
        if wanted is not None:
            yield from self._invalid(wanted, body)

    def _invalid(self, schema: Any, value: Any) -> Iterator[str]:
        whole = {"components": self._components, "allOf": [_nullable(schema)]}
        for error in Draft202012Validator(whole).iter_errors(value):
            yield f"{error.json_path}: {error.message}"


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(template)), path) is not None


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "integer" if value.lstrip("-").isdigit():
            return int(value)
        case "boolean":
            return {"true": True, "false": False}.get(value, value)
    return value


def _nullable(schema: Any) -> Any:
    """OpenAPI's `nullable` as JSON Schema has it."""
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _nullable(each) for name, each in schema.items()}
    if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
