"""Texts of others in Markdown, shown as they are: nothing in them becomes a heading or a link."""

import re
from collections.abc import Iterable

from unweave.exports.export import HERE, Files
from unweave.text.printed import visible

MARKS = re.compile(r"([\\`*_\[\]<>#|~&])")
NOT_DESCRIBED = "*not described*"


def plain(text: str) -> str:
    """Return a text in which no sign means anything to Markdown, or acts on a terminal."""
    return MARKS.sub(r"\\\1", visible(text.replace("\n", " ")))


def described(text: str | None) -> str:
    """Return what was said of a thing, or that nobody has."""
    return NOT_DESCRIBED if text is None else plain(text)


def bullets(things: Iterable[tuple[str, str]]) -> list[str]:
    """Return a list, a thing and what is told of it a line."""
    return [f"- **{name}**: {text}" for name, text in things]


def document(*parts: Iterable[str]) -> Files:
    """Return a document of parts, an empty line between every two."""
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    return {HERE: text.encode("utf-8")}
