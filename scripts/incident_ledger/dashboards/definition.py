"""What a dashboard is: `analyses/dashboards/<name>/dashboard.yml` and one SQL file a card, validated when read."""

import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from incident_ledger.dashboards.decision_log import FILE as DECISIONS
from incident_ledger.dashboards.decision_log import read_decisions
from incident_ledger.errors import UserError

FOLDER = Path("analyses") / "dashboards"
FILE = "dashboard.yml"
GRID_COLUMNS = 24  # Metabase's
FILTERS = ("period", "severity", "component", "source")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Filter = Literal["period", "severity", "component", "source"]
Format = Literal[
    "text", "integer", "number", "percent", "minutes", "time", "date", "month", "severity", "state", "incident"
]
_FIELD = re.compile(r"\{(\w+)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Owner(_Strict):
    """Who answers for a dashboard: a role of the playbook's contacts."""

    name: Text
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


class Place(_Strict):
    """Where a card stands, in Metabase's words: rows and columns of a grid of 24 columns, from 0."""

    row: int = Field(ge=0)
    col: int = Field(ge=0, lt=GRID_COLUMNS)
    size_x: int = Field(ge=1, le=GRID_COLUMNS)
    size_y: int = Field(ge=1, le=100)

    @model_validator(mode="after")
    def _within_the_grid(self) -> Self:
        if self.col + self.size_x > GRID_COLUMNS:
            raise ValueError(f"reaches column {self.col + self.size_x} of a grid of {GRID_COLUMNS}")
        return self

    def overlaps(self, other: "Place") -> bool:
        """Whether both take a cell of the grid."""
        beside = self.col + self.size_x <= other.col or other.col + other.size_x <= self.col
        return not beside and self.row < other.row + other.size_y and other.row < self.row + self.size_y


class CardColumn(_Strict):
    """A column of a card's query as people see it."""

    column: Name
    title: Text
    format: Format = "text"


class Card(_Strict):
    """One question and its picture. `card` names the SQL file and the dbt analysis.

    `filter_by` is how each filter applies to the column `<filter>_filter` of the query: `rows`, where a row has its own
    value and is shown when that is chosen; or `combinations`, where the query has a row for each choice, `all` as well,
    and what is shown is computed for it. A page adds nothing up.
    `decisions` are headings of the decision log, where those of the tables that it reads are not what explains it.
    """

    card: Name
    title: Text
    description: Text
    chart: Literal["sentence", "numbers", "table", "columns", "bars", "lines"]
    place: Place
    columns: Annotated[tuple[CardColumn, ...], Field(min_length=1)]
    empty: Text
    filter_by: dict[Filter, Literal["rows", "combinations"]] = Field(default_factory=dict)
    sentence: str = ""
    x: Name | None = None
    y: tuple[Name, ...] = ()
    series: Name | None = None
    marks: tuple[float, ...] = ()
    click: tuple[Name, ...] = ()
    decisions: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        names = [each.column for each in self.columns]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"has the column {min(twice)} twice")
        used = [*self.y, *self.click, *filter(None, (self.x, self.series)), *_FIELD.findall(self.sentence)]
        if missing := [name for name in used if name not in names]:
            raise ValueError(f"uses {missing[0]}, which is not among its columns")
        if self.chart in {"columns", "bars", "lines"} and not (self.x and self.y):
            raise ValueError(f"is drawn as {self.chart} and needs x and y")
        if (self.chart == "sentence") != bool(self.sentence):
            raise ValueError("needs a sentence when its chart is one, and only then")
        return self

    @property
    def query_columns(self) -> tuple[str, ...]:
        """The columns that its query must have."""
        return (*(each.column for each in self.columns), *(f"{name}_filter" for name in self.filter_by))


class Dashboard(_Strict):
    """One page. `name` is its folder's, `position` its place among the others."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
    title: Text
    position: int = Field(ge=1)
    description: Text
    owner: Owner
    filters: tuple[Filter, ...] = ()
    cards: Annotated[tuple[Card, ...], Field(min_length=1)]


def load_dashboards(project_dir: Path) -> list[Dashboard]:
    """All dashboards of the project, in their order.

    Raises `UserError` with every fault of every file, each by file and line: an unknown key, a card without its
    query, a query without its card, two cards on one place.
    """
    folder = project_dir / FOLDER
    dashboards: list[Dashboard] = []
    faults: list[str] = []
    for each in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []:
        try:
            dashboards.append(load_dashboard(each, project_dir))
        except UserError as error:
            faults.append(str(error))
    if not dashboards and not faults:
        raise UserError(f"There is no dashboard in {folder}. INCIDENT_LEDGER_PROJECT_DIR names the project's folder.")
    if faults:
        raise UserError("\n".join(faults))
    return sorted(dashboards, key=lambda each: (each.position, each.name))


def load_dashboard(folder: Path, project_dir: Path) -> Dashboard:
    """One dashboard. Raises `UserError`, a line a fault."""
    path = folder / FILE
    shown = path.relative_to(project_dir)
    try:
        text = path.read_text(encoding="utf-8")
        node, content = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except FileNotFoundError:
        raise UserError(f"{shown} is missing: every folder of {FOLDER} is a dashboard.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(f"{shown}:{mark.line + 1 if mark else 1}: cannot be read: {what}") from None
    if not isinstance(content, dict) or node is None:
        raise UserError(f"{shown}:1: is not a dashboard: it has no keys")
    try:
        dashboard = Dashboard.model_validate({**content, "name": folder.name})
    except ValidationError as error:
        raise UserError("\n".join(_validation_faults(error, node, shown))) from None
    log = project_dir / DECISIONS
    found = [
        *_faults(dashboard, folder),
        *(_unknown_decisions(dashboard, read_decisions(project_dir)) if log.is_file() else ()),
    ]
    faults = [f"{shown}:{_line(node, where)}: {what}" for where, what in found]
    if faults:
        raise UserError("\n".join(faults))
    return dashboard


def _validation_faults(error: ValidationError, node: yaml.Node, shown: Path) -> Iterator[str]:
    for each in error.errors():
        where = each["loc"]
        names = ".".join(str(part) for part in where)
        what = "is not a key that there is" if each["type"] == "extra_forbidden" else each["msg"]
        yield f"{shown}:{_line(node, where)}: {names}: {what.removeprefix('Value error, ')}"


def _faults(dashboard: Dashboard, folder: Path) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between its parts: where, and what."""
    files, seen = {path.stem for path in folder.glob("*.sql")}, set[str]()
    for number, card in enumerate(dashboard.cards):
        where = ("cards", number)
        if card.card not in files:
            yield (*where, "card"), f"there is no {card.card}.sql beside it"
        if card.card in seen:
            yield (*where, "card"), f"the card {card.card} is there twice"
        seen.add(card.card)
        for other in dashboard.cards[:number]:
            if card.place.overlaps(other.place):
                yield (*where, "place"), f"the card {card.card} overlaps {other.card}"
        for filter_name in card.filter_by:
            if filter_name not in dashboard.filters:
                yield (*where, "filter_by"), f"the dashboard has no filter {filter_name}"
    for file in sorted(files - seen):
        yield ("cards",), f"{file}.sql has no card here"


def _unknown_decisions(dashboard: Dashboard, known: Container[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for number, card in enumerate(dashboard.cards):
        for title in card.decisions:
            if title not in known:
                yield ("cards", number, "decisions"), f"{title!r} is no heading of {DECISIONS}"


def _line(node: yaml.Node, where: tuple[str | int, ...]) -> int:
    """The line of a value, or of the nearest thing above it that is there."""
    line = int(node.start_mark.line) + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line, node = int(found[0].start_mark.line) + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = int(node.start_mark.line) + 1
        else:
            break
    return line
