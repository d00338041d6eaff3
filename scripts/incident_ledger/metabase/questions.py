"""What Metabase needs beside the dashboards: the questions that a click opens, and the values that filters offer."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from incident_ledger.dashboards.definition import CardColumn, Dashboard, Filter, Name, Text
from incident_ledger.errors import UserError

FOLDER = Path("analyses") / "metabase"
FILE = "questions.yml"
BEHIND, TIMELINE = "incidents_behind", "incident_timeline"  # what a bar opens, and what an incident opens
INCIDENT = "incident_id"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ask(_Strict):
    """A value that who opens the question passes to its column of the same name; without one all rows are shown."""

    name: Name
    title: Text
    format: Literal["text", "month"] = "text"
    is_required: bool = False


class Question(_Strict):
    """A query of its own file, as cards are, whose rows are picked by what is asked and by the dashboards' filters."""

    question: Name
    title: Text
    description: Text
    columns: Annotated[tuple[CardColumn, ...], Field(min_length=1)]
    asks: tuple[Ask, ...] = ()
    filter_by: dict[Filter, Literal["rows"]] = Field(default_factory=dict)


class Choices(_Strict):
    """The query with a row for each list (`filter_name`) and value that it offers (`choice`, by `choice_rank`).

    A filter offers the list of its name, or by dashboard another one of `lists`.
    """

    question: Name
    description: Text
    lists: dict[str, dict[Filter, Name]] = Field(default_factory=dict)

    def list_of(self, dashboard: str, filter_name: str) -> str:
        """What a filter of a dashboard offers."""
        return dict(self.lists.get(dashboard, {})).get(filter_name, filter_name)  # type: ignore[call-overload, no-any-return]


class Questions(_Strict):
    """The whole file."""

    questions: tuple[Question, ...]
    choices: Choices

    def named(self, name: str) -> Question:
        """One of them. Raises `UserError` where there is none."""
        for each in self.questions:
            if each.question == name:
                return each
        raise UserError(f"{FOLDER / FILE} has no question {name}, which a click is to open.")


def load_questions(project_dir: Path, dashboards: list[Dashboard]) -> Questions:
    """The file, checked by itself and against the clicks of the dashboards. Raises `UserError`, a line a fault."""
    path = project_dir / FOLDER / FILE
    shown = FOLDER / FILE
    try:
        questions = Questions.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{shown} is missing: what a click in Metabase opens is defined there.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{shown} cannot be read: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        faults = [f"{shown}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UserError("\n".join(faults)) from None
    asked = {ask.name for ask in questions.named(BEHIND).asks}
    questions.named(TIMELINE)
    faults = [
        f"{dashboard.name}: the click of {card.card} passes on {name}, which {BEHIND} does not ask for"
        for dashboard in dashboards
        for card in dashboard.cards
        for name in card.click
        if name not in asked
    ]
    names = [questions.choices.question, *(each.question for each in questions.questions)]
    faults += [f"{shown}: there is no {name}.sql beside it" for name in names if not _has_query(path, name)]
    if faults:
        raise UserError("\n".join(faults))
    return questions


def _has_query(path: Path, name: str) -> bool:
    return (path.parent / f"{name}.sql").is_file()
