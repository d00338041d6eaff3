"""The decision log (`analyses/README.md`) by its sections, each as HTML of a page."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

from incident_ledger.encoding import shortened
from incident_ledger.errors import UserError

FILE = Path("analyses") / "README.md"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_SENTENCE = re.compile(r".*?[.?](?=\s+[A-Z*`>]|\s*\Z)", re.DOTALL)
_LONGEST = 260  # characters of a first sentence


@dataclass(frozen=True)
class Decision:
    """A section: its heading, the anchor of it on a page, its first sentence as plain text, and all of it as HTML."""

    title: str
    anchor: str
    first: str
    html: str = field(repr=False)


def read_decisions(project_dir: Path) -> dict[str, Decision]:
    """All sections by their headings, in the order of the log. Raises `UserError` when the file cannot be read."""
    try:
        text = (project_dir / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The decision log {FILE} cannot be read ({error}). It belongs to the project.") from None
    return decisions_of(text)


def decisions_of(text: str) -> dict[str, Decision]:
    """The sections of a text in Markdown. HTML in it is text, and no link leads out of the page."""
    _, *parts = _HEADING.split(text)
    return {title: _decision(title.strip(), body) for title, body in zip(parts[::2], parts[1::2], strict=True)}


def inline_html(text: str) -> str:
    """A description of the models in Markdown, as HTML within a paragraph; HTML in it is text, and a link too."""
    return str(MarkdownIt("commonmark", {"html": False}).disable(["link", "image", "autolink"]).renderInline(text))


def _decision(title: str, body: str) -> Decision:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(body)
    for token in tokens:
        children = token.children or []
        token.children = [each for each in children if each.type not in {"link_open", "link_close", "image"}]
    first_words = next((token.children or [] for token in tokens if token.type == "inline"), [])
    plain = "".join(each.content or " " for each in first_words if each.content or "break" in each.type)
    found = _SENTENCE.match(plain)
    anchor = "decision-" + re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")
    first = shortened(found[0] if found else plain, _LONGEST)
    return Decision(title, anchor, first, markdown.renderer.render(tokens, markdown.options, {}))
