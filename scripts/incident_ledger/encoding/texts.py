"""Texts of others: what no table and no mail carries, and how they stand on one line, shortened."""

import re

_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_NOT_CARRIED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def text_problem(text: str) -> str | None:
    """Why no table keeps a text, after its name; None when one does."""
    if not _UNKEPT.search(text):
        return None
    if "\0" in text:
        return "holds the character NUL (\\u0000)"
    return "holds half a character (a lone surrogate)"


def escaped(text: str) -> str:
    """The text with an escape for each character that no table keeps."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\u0000")


def clean(text: str) -> str:
    """`text` without what no mail can carry: control characters other than line ends and tabs, lone surrogates."""
    return _NOT_CARRIED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """`text` on one line: every kind of line end and run of blanks becomes one space, so that it can be a header."""
    return _NOT_CARRIED.sub("", " ".join(text.split())).strip()


def screen_line(text: str, width: int = 80) -> str:
    """A text for one line of a screen: whatever is not printable becomes a space, and what is too long is cut."""
    characters = (character if character.isprintable() else " " for character in text[: width * 8])
    return shortened(" ".join("".join(characters).split()), width)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis when something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
