"""dbt's property files: the shapes of tables stand there once, and Python reads what dbt documents and tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from incident_ledger.errors import UserError
from incident_ledger.settings import find_project_dir

# The files that this version of the package goes with, whatever project is at work.
PROJECT_DIR = find_project_dir(Path(__file__).resolve().parent)
T = TypeVar("T", bound=BaseModel)


def read_properties(file: str, kind: type[T], folder: Path = PROJECT_DIR) -> T:
    """A property file of the project as `kind`. Raises `UserError` with the file, and the line or the field."""
    try:
        data = yaml.load((folder / file).read_text(encoding="utf-8"), yaml.CSafeLoader)
        return kind.model_validate(data)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read ({error}); restore it, the tables' columns stand there") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        raise UserError(f"{where}: is not YAML: {getattr(error, 'problem', None) or error}") from error
    except ValidationError as error:
        lines = [f"{file}: {_field(data, item['loc'])}: {item['msg']}" for item in error.errors()[:20]]
        raise UserError("\n".join(lines)) from None


def _field(data: Any, path: Sequence[str | int]) -> str:
    """The path of a field, with the name of an item instead of its number."""
    parts = []
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            data = None
        parts.append(str(data["name"] if isinstance(part, int) and isinstance(data, dict) and "name" in data else part))
    return ".".join(parts)
