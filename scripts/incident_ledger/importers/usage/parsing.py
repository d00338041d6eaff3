"""From files to the responses in them: one JSON response, a list of responses, or one response a line."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incident_ledger.encoding import Fault, JsonError, scan_json
from incident_ledger.errors import UserError
from incident_ledger.importers import Reject, Rejects
from incident_ledger.importers.sources import read_file


@dataclass(frozen=True)
class ApiResponse:
    """One object of a file, in which a `Fault` may stand for what cannot be kept. `line` is where it begins, from 1."""

    file: str
    line: int
    body: dict[str, Any]


def read_responses(path: Path) -> tuple[list[ApiResponse], list[Reject]]:
    """All responses of a file, and the lines that are none.

    Raises `UserError` when the file cannot be read, is empty or too large, or has no response at all.
    """
    name = str(path)
    content = read_file(name).content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise UserError(f"{name}: is empty.")
    try:
        whole = scan_json(content)
    except JsonError as error:
        responses, rejects = _by_line(name, content)
        if responses:
            return responses, rejects
        raise UserError(f"{name}: malformed JSON: {error}. A file holds one JSON response, or one a line.") from None
    bodies = whole if isinstance(whole, list) else [whole]
    if not any(isinstance(body, dict) for body in bodies):
        raise UserError(f"{name}: {_not_an_object(whole)}. A file holds one response of a usage API, or one a line.")
    first = content.count(b"\n", 0, len(content) - len(content.lstrip())) + 1
    responses = [ApiResponse(name, first, body) for body in bodies if isinstance(body, dict)]
    return responses, [_not_a_response(name, first, body) for body in bodies if not isinstance(body, dict)]


def _by_line(name: str, content: bytes) -> tuple[list[ApiResponse], list[Reject]]:
    responses: list[ApiResponse] = []
    rejects: list[Reject] = Rejects()
    for number, line in enumerate(io.BytesIO(content), start=1):
        if not line.strip():
            continue
        try:
            body = scan_json(line)
        except JsonError as error:
            reason = f"malformed JSON: {error.reason}" + f" at column {error.column}" * bool(error.column)
            rejects.append(Reject(name, number, reason, line.decode(errors="backslashreplace").rstrip("\r\n")))
            continue
        if isinstance(body, dict):
            responses.append(ApiResponse(name, number, body))
        else:
            rejects.append(_not_a_response(name, number, body, line.decode().rstrip("\r\n")))
    return responses, rejects


def _not_a_response(name: str, line: int, body: Any, record: str = "") -> Reject:
    return Reject(name, line, _not_an_object(body), record)


def _not_an_object(value: Any) -> str:
    if isinstance(value, Fault):
        return f"cannot be kept: {value.reason}"
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return f"is {names.get(type(value), 'a number')}, not a JSON object"
