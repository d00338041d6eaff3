"""What people wrote into a post-incident review, from its Markdown, and each line that is not understood. Pure."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from incident_ledger.errors import UserError
from incident_ledger.postmortem.review_findings import Findings, Improvement, plain_lines

_TITLE = re.compile(r"Post-incident review of (\S+)")
_IMPROVEMENT = re.compile(r"(?P<text>.+?)\s*\(owner:\s*(?P<owner>.+?),\s*due:\s*(?P<due>[^)]*?)\s*\)", re.DOTALL)
_TASK = re.compile(r"\[(?P<mark>.?)\]\s*(?P<task>[\w-]+)(:.*)?", re.DOTALL)
_SHOWN_PROBLEMS = 20
# The sections that the ledger writes, and does not read.
_OF_THE_LEDGER = ("times", "estimated and actual resolution", "money at stake", "clocks", "timeline", "evidence")


@dataclass(frozen=True)
class Item:
    """An item of a list: its line in the file, from 1, and its text without markup."""

    line: int
    text: str


@dataclass
class Review:
    """An edited review: of which incident, what was found out, and which tasks are marked as done, with their lines."""

    incident_id: str = ""
    findings: dict[str, Any] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def add_problem(self, line: int, text: str) -> None:
        """Remember what is not understood."""
        self.problems.append((line, text))


def parse(text: str, name: str, categories: Collection[str], tasks: Collection[str]) -> tuple[str, Findings, list[str]]:
    """The incident's id, what was found out, and the tasks that are marked as done.

    `name` is the file's, for messages; `categories` are the known root causes (none: any word), `tasks` the policy's.
    Raises `UserError` with every line that is not understood, as `file:line: what is wrong; what to write`.
    """
    review = Review()
    readers = _readers(categories, tasks)
    for line, heading, items in _sections(text, review):
        known = heading.casefold()
        if known in readers:
            readers[known](review, items, line)
        elif known not in _OF_THE_LEDGER:
            headings = ", ".join(each.capitalize() for each in readers)
            review.add_problem(line, f"the heading {heading!r} is not known; there are {headings}")
    if not review.incident_id:
        review.add_problem(1, "the title names no incident; it is: # Post-incident review of INC-...")
    if review.problems:
        lines = [f"  {name}:{line}: {problem}" for line, problem in sorted(review.problems)]
        more = [f"  and {len(lines) - _SHOWN_PROBLEMS} more"] if len(lines) > _SHOWN_PROBLEMS else []
        raise UserError("The review cannot be imported:\n" + "\n".join([*lines[:_SHOWN_PROBLEMS], *more]))
    return review.incident_id, Findings(**review.findings), list(review.done)


def _sections(text: str, review: Review) -> Iterator[tuple[int, str, list[Item]]]:
    """Of each section its line, its heading and the items of its lists; the title's incident goes into the review."""
    line, heading, items = 0, "", list[Item]()
    tokens = MarkdownIt("commonmark").parse(text)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = _plain(tokens[place + 1])
            if token.tag == "h1":
                found = _TITLE.match(title)
                review.incident_id = found[1] if found else review.incident_id
                continue
            if heading:
                yield line, heading, items
            line, heading, items = _line(token), title.strip(), []
        elif token.type == "list_item_open":
            items.append(Item(_line(token), _item_text(tokens[place:])))
    if heading:
        yield line, heading, items


def _item_text(tokens: Sequence[Token]) -> str:
    """The paragraphs of the list item that begins these tokens; of lists within it nothing."""
    level, parts = tokens[0].level, list[str]()
    for token in tokens[1:]:
        if token.type == "list_item_close" and token.level == level:
            break
        if token.type == "inline" and token.level == level + 2:
            parts.append(_plain(token))
    return plain_lines("\n\n".join(parts))


def _plain(inline: Token) -> str:
    """A line's text as a reader sees it; a link with its address."""
    words, address = list[str](), ""
    for token in inline.children or ():
        if token.type in ("softbreak", "hardbreak"):
            words.append("\n")
        elif token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            words.append(f" ({address})")
        else:
            words.append(token.content)
    return "".join(words)


def _line(token: Token) -> int:
    return (token.map or [0])[0] + 1


def _readers(
    categories: Collection[str], tasks: Collection[str]
) -> dict[str, Callable[[Review, Sequence[Item], int], None]]:
    """What reads each section, by its heading in small letters."""
    impact = {"users": "user_impact", "money": "financial_impact", "data": "data_impact"}
    cause = {"category": "root_cause_category", "what failed": "root_cause"}
    return {
        "impact": partial(_labels, impact),
        "root cause": partial(_root_cause, cause, categories),
        "contributing factors": partial(_texts, "contributing_factors"),
        "improvement actions": _improvements,
        "lessons": partial(_texts, "lessons"),
        "tasks": partial(_tasks, tasks),
    }


def _labels(names: dict[str, str], review: Review, items: Sequence[Item], _: int) -> None:
    """Items of the form `Label: text`; an empty one is not known yet."""
    for item in items:
        label, colon, text = item.text.partition(":")
        name = names.get(label.strip().casefold())
        if not colon or name is None:
            wanted = ", ".join(f"{each.capitalize()}:" for each in names)
            review.add_problem(item.line, f"{_short(item.text)} begins with none of {wanted}")
        elif text.strip():
            review.findings[name] = text.strip()


def _root_cause(
    names: dict[str, str], categories: Collection[str], review: Review, items: Sequence[Item], line: int
) -> None:
    _labels(names, review, items, line)
    category = review.findings.get("root_cause_category")
    word = " ".join(str(category or "").split()).casefold()
    at = next((item.line for item in items if item.text.casefold().startswith("category")), line)
    if not word:
        review.add_problem(at, "the root cause has no category; write a word after `- Category:`")
    elif categories and word not in categories:
        review.add_problem(at, f"{_short(word)} is no root cause; there are {', '.join(categories)}")
    else:
        review.findings["root_cause_category"] = word


def _texts(name: str, review: Review, items: Sequence[Item], _: int) -> None:
    review.findings[name] = tuple(item.text for item in items if item.text)


def _improvements(review: Review, items: Sequence[Item], _: int) -> None:
    found: list[Improvement] = []
    for item in items:
        match = _IMPROVEMENT.fullmatch(item.text)
        if not item.text:
            continue
        if match is None:
            wrong = f"{_short(item.text)} names no owner and date; end it with (owner: NAME, due: 2026-03-31)"
            review.add_problem(item.line, wrong)
        elif not _is_day(match["due"]):
            review.add_problem(item.line, f"{_short(match['due'])} is no day; write it as 2026-03-31")
        else:
            found.append(Improvement(text=match["text"].strip(), owner=match["owner"].strip(), due=match["due"]))
    review.findings["improvements"] = tuple(found)


def _tasks(tasks: Collection[str], review: Review, items: Sequence[Item], _: int) -> None:
    for item in items:
        match = _TASK.fullmatch(item.text)
        if match is None or match["mark"] not in ("", " ", "x", "X"):
            review.add_problem(item.line, f"{_short(item.text)} is no task; write `- [x] task` or `- [ ] task`")
        elif match["task"] not in tasks:
            review.add_problem(item.line, f"{_short(match['task'])} is no task; there are {', '.join(tasks)}")
        elif match["mark"] in ("x", "X"):
            review.done[match["task"]] = item.line


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _short(text: str) -> str:
    line = text.partition("\n")[0]
    return repr(line if len(line) <= 60 else f"{line[:60]}…")
