"""From the bytes of a document to its front matter and body."""

from __future__ import annotations

import re
from typing import NamedTuple

from aggregator.errors import ParseError

FIRST_LINE = 2  # the front matter's first line in the file; the line above opens it

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?(---[ \t]*)(?=[\r\n]|\Z)")
_CLOSING = re.compile(r"\n(?:---|\.\.\.)[ \t]*(?=\n|\Z)")
_OPENING_ELSEWHERE = tuple(
    opening.encode(encoding)
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    for opening in ("---", "\ufeff---")
)


class Parts(NamedTuple):
    """Front matter and body of a document; each line ends in a line feed and nothing else."""

    front: str
    body: str


def split(data: bytes) -> Parts | None:
    """The parts of a document, None where the bytes don't open with front matter.

    Raises ParseError for front matter that is never closed, and for a document that isn't UTF-8.
    """
    opening = _OPENING.match(data)
    if not opening:
        if data.startswith(_OPENING_ELSEWHERE):
            raise ParseError("UTF-16 or UTF-32, expected UTF-8")
        return None
    text = _decoded(data)[len(opening[1]) :]
    closing = _CLOSING.search(text)
    if not closing:
        raise ParseError("front matter that is never closed, expected a line `---` after the fields")
    return Parts(text[1 : closing.start() + 1], text[closing.end() + 1 :])


def _decoded(data: bytes) -> str:
    try:
        return _unified(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = _unified(error.object[: error.start].decode())
        column = len(before) - before.rfind("\n")
        message = f"byte 0x{error.object[error.start]:02X}, expected UTF-8"
        raise ParseError(message, before.count("\n") + 1, column) from error


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
