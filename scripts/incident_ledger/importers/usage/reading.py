"""From files to the answers in them: one JSON answer, a list of answers, or one answer a line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.importers import Reject


@dataclass(frozen=True)
class Answer:
    """One object of a file. `line` is where it begins, from 1."""

    file: str
    line: int
    body: dict[str, Any]


def read_answers(path: Path) -> tuple[list[Answer], list[Reject]]:
    """All answers of a file, and the lines that are none.

    Raises `UserError` when the file cannot be read, is empty, or has no answer at all.
    """
    name = str(path)
    text = _text(path)
    try:
        whole = parse(text)
    except ValueError as error:
        answers, rejects = _by_line(name, text)
        if answers:
            return answers, rejects
        raise UserError(f"{name}: {_where(error)}. A file holds one JSON answer, or one a line.") from None
    bodies = whole if isinstance(whole, list) else [whole]
    if not bodies or not all(isinstance(body, dict) for body in bodies):
        raise UserError(f"{name}: holds {_kind(whole)}, not an answer of a usage API (a JSON object).")
    first = len(text) - len(text.lstrip())
    return [Answer(name, text.count("\n", 0, first) + 1, body) for body in bodies], []


def parse(text: str) -> Any:
    """JSON without NaN, Infinity or NUL, which neither JSON nor the warehouse has. Raises `ValueError`."""
    if "\\u0000" in text and "\0" in json.dumps(json.loads(text), ensure_ascii=False).replace("\\u0000", "\0"):
        raise ValueError("a text holds the character NUL (\\u0000)")
    value = json.loads(text, parse_constant=_no_constant)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half a character (a lone surrogate)") from None
    return value


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text (byte {error.start}).") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    if not text.strip():
        raise UserError(f"{path}: is empty.")
    return text


def _by_line(name: str, text: str) -> tuple[list[Answer], list[Reject]]:
    answers, rejects = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            body = parse(line)
        except (ValueError, RecursionError) as error:
            rejects.append(Reject(name, number, _where(error), line))
            continue
        if isinstance(body, dict):
            answers.append(Answer(name, number, body))
        else:
            rejects.append(Reject(name, number, f"is {_kind(body)}, not a JSON object", line))
    return answers, rejects


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"malformed JSON at line {error.lineno}, column {error.colno} ({error.msg})"
    return f"malformed JSON: {error}"


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null", dict: "an object"}
    return names.get(type(value), "a number")


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")
