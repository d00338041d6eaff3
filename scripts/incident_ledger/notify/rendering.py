"""Messages from their templates: the package's own, or those of a team that replace them.

Texts of people and data are values in a template and are never read as one. A team's template runs in Jinja's sandbox;
one that cannot be used is replaced by the package's own, and its message says so: `doctor` finds it before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from incident_ledger.encoding import one_line
from incident_ledger.notify.formatting import item
from incident_ledger.settings import INCIDENT_PAGE, INCIDENT_PLACE, Settings

BUILT_IN_FOLDER = Path(__file__).parent / "templates"
DIGEST = "digest"  # the template of many messages, with fields of its own
_TEXT, _HTML = ".txt.j2", ".html.j2"
_DASHBOARD = "system-health"  # of a message, unless its template has another
_DASHBOARDS = {"review": "incident-review", "weekly": "incident-review"}


@dataclass(frozen=True)
class Templates:
    """The templates of the package, and of `folder` those files that replace one of them by its name.

    `dashboards` are addresses by name: where a message says how to see more, it says this too.
    """

    folder: Path | None = None
    dashboards: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "Templates":
        """Those of the settings."""
        return cls(settings.templates_dir, settings.dashboard_urls)

    def text(self, name: str, fields: Mapping[str, Any]) -> str:
        """A message as plain text. A note at its end says what was wrong with a team's template."""
        shown, problem = self._render(f"{name}{_TEXT}", fields)
        return shown.strip() + "\n" + (f"\n{problem}\n" if problem else "")

    def html(self, name: str, fields: Mapping[str, Any]) -> str:
        """A message as HTML."""
        return self._render(f"{name}{_HTML}", fields)[0]

    def problems(self, fields: Mapping[str, Any], of: str | None = None) -> Iterator[tuple[str, str]]:
        """Of each file of the folder that cannot be used its name and why.

        `fields` are those of some message, or of the template `of`, which has others: then its files alone are tried.
        """
        for path in sorted(self.folder.glob("*.j2")) if self.folder else ():
            name = path.name.partition(".")[0]
            if name != of if of else name == DIGEST:
                continue
            if not (BUILT_IN_FOLDER / path.name).is_file():
                yield path.name, f"is the name of no template; there are {', '.join(template_names())}"
            elif problem := self._problem(path.name, fields):
                yield path.name, problem

    def _render(self, file: str, fields: Mapping[str, Any]) -> tuple[str, str | None]:
        """What the template gives; where a team's cannot be used, what the package's gives, and why."""
        if "look" in fields:
            fields = {**fields, "look": "; ".join([fields["look"], *self._links(file, fields)])}
        try:
            return self._environment.get_template(file).render(fields), None
        except Exception as error:  # whatever a team's template does: the message is sent
            if self.folder is None:
                raise
            problem = f"(The template {file} of your own cannot be used: {_words(error)}. incident-ledger doctor)"
            return BUILT_IN._environment.get_template(file).render(fields), problem

    def _links(self, file: str, fields: Mapping[str, Any]) -> Iterator[str]:
        """Where more is to be seen."""
        if page := self.dashboards.get(INCIDENT_PAGE, "") if "incident_id" in fields else "":
            yield f"its page: {page.replace(INCIDENT_PLACE, fields['incident_id'])}"
        if url := self.dashboards.get(_DASHBOARDS.get(file.partition(".")[0], _DASHBOARD)):
            yield f"dashboard: {url}"

    def _problem(self, file: str, fields: Mapping[str, Any]) -> str | None:
        environment = self._environment
        try:
            source = environment.loader.get_source(environment, file)[0] if environment.loader else ""
            tree = environment.parse(source)
            unknown = meta.find_undeclared_variables(tree) - set(fields) - _own_names(tree)
            if unknown and not file.startswith("_"):  # a part may take what its page sets
                return f"names {', '.join(sorted(unknown))}; the fields are {', '.join(sorted(fields))}"
            environment.get_template(file).render(fields)
        except Exception as error:
            return _words(error)
        return None

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        folders = [self.folder, BUILT_IN_FOLDER] if self.folder else [BUILT_IN_FOLDER]
        environment = SandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            autoescape=lambda name: name is not None and ".html" in name,  # on for HTML, off for plain text
            undefined=StrictUndefined,
            keep_trailing_newline=True,
        )
        environment.filters["lines"] = lambda text: Markup("<br>").join(escape(line) for line in text.split("\n"))
        environment.filters["item"] = item
        environment.filters["continued"] = lambda text: text.replace("\n", "\n  ")
        return environment


BUILT_IN = Templates()


def template_names() -> list[str]:
    """The files that a team can replace."""
    return sorted(path.name for path in BUILT_IN_FOLDER.glob("*.j2"))


def _own_names(tree: nodes.Template) -> set[str]:
    """What a template imports or sets itself, which Jinja does not see from within a block of it."""
    imported = {node.target for node in tree.find_all(nodes.Import)}
    return imported | {str(name.name) for name in tree.find_all(nodes.Name) if name.ctx == "store"}


def _words(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    text = error.message if isinstance(error, TemplateError) and error.message else str(error) or type(error).__name__
    return one_line(f"line {line}: {text}" if line else text)
