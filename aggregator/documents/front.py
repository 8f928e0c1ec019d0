"""From the bytes of a document to its front matter and body."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

from aggregator.errors import ParseError
from aggregator.text import headers, tree
from aggregator.text.headers import Form

Loader: TypeAlias = Callable[[str, int, frozenset[str], tree.Warn], tree.Node]


class Parts(NamedTuple):
    """Front matter and body of a document; each line ends in a line feed and nothing else.

    `line` is the number of the front matter's first line in the file, `gap` how many line ends are between it and the
    body. `load` makes a tree of the front matter.
    """

    front: str
    body: str
    line: int
    gap: int
    load: Loader

    @property
    def below(self) -> int:
        """The number of the body's first line in the file."""
        return self.line + self.front.count("\n") + self.gap


class Bounds(NamedTuple):
    """Where in a text its front matter and its body are."""

    start: int
    end: int
    body: int


class Kind(NamedTuple):
    """A kind of front matter.

    `opens` is how the bytes of a document begin that has it. `bounds` finds it in the text, from the offset on where
    `opens` ends; None: it is never closed, `closed_by` says what was expected. `load` makes a tree of it. Of headers,
    which could be any text, `header` says how they look, and they have one of the names in each set of `needed`.
    """

    opens: re.Pattern[bytes]
    bounds: Callable[[str, int], Bounds | None]
    closed_by: str
    load: Loader
    header: Form | None = None
    needed: tuple[frozenset[str], ...] = ()


def split(data: bytes) -> Parts | None:
    """The parts of a document, None where the bytes don't open with front matter.

    Raises ParseError for front matter that is never closed, and for a document that isn't UTF-8.
    """
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    for kind in KINDS:
        opening = kind.opens.match(data, start)
        if opening and _is_header(kind, opening[0]):
            return _parts(kind, opening, _decoded(data))
    if data.startswith(_OPENING_ELSEWHERE):
        raise ParseError("UTF-16 or UTF-32, expected UTF-8")
    return None


def almost(data: bytes) -> ParseError | None:
    """What is wrong with front matter that isn't any, as it doesn't open in the first line, or not as it should.

    None: the bytes don't look like that. It has a title, and above it are only blank lines and comments.
    """
    opening = _ALMOST.match(data)
    if not opening:
        return None
    line = len(_EOL.findall(data, 0, opening.start("fence"))) + 1
    if opening["rest"].strip():
        return ParseError("no front matter, expected nothing behind the mark that opens it", line, 4)
    return ParseError("no front matter, expected it at the very beginning of the file", line, 1)


def _parts(kind: Kind, opening: re.Match[bytes], text: str) -> Parts:
    bounds = kind.bounds(text, len(_unified(opening[0].decode())))
    if not bounds:
        raise ParseError(f"front matter that is never closed, expected {kind.closed_by}")
    start, end, body = bounds
    line = text.count("\n", 0, start) + 1
    gap = text.count("\n", end, body)
    return Parts(text[start:end], text[body:], line, gap, kind.load)


def _is_header(kind: Kind, opening: bytes) -> bool:
    """Whether the kind has fences or brackets, or the opening has the names that a header needs."""
    if not kind.header:
        return True
    names = headers.names_in(kind.header, _unified(opening.decode(errors="replace")))
    return all(names & needed for needed in kind.needed)


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


def _until(closing: re.Pattern[str], text: str, at: int) -> Bounds | None:
    """Front matter from the next line on, up to a line of its own that closes it."""
    closed = closing.search(text, at)
    return Bounds(at + 1, closed.start() + 1, closed.end() + 1) if closed else None


def _toml(text: str, first: int, unread: frozenset[str], warn: tree.Warn) -> tree.Node:
    """The tree of TOML. Its reader is loaded where there is any: most folders have none."""
    from aggregator.text import toml

    return toml.load(text, first, unread, warn)


def _json(text: str, first: int, unread: frozenset[str], warn: tree.Warn) -> tree.Node:
    """The tree of JSON; likewise."""
    from aggregator.text import jsontree

    return jsontree.load(text, first, unread, warn)


def _object(text: str, _: int) -> Bounds | None:
    """Front matter that is the object with which the text begins."""
    from aggregator.text import jsontree

    end = jsontree.end_of(text)
    rest = _REST.match(text, end)
    return Bounds(0, end, rest.end() if rest else end) if end else None


def _header(text: str, at: int) -> Bounds:
    """Front matter that is all that was matched; a blank line below it is no part of the body."""
    rest = _REST.match(text, at)
    return Bounds(0, at, rest.end() if rest else at)


def _header_kind(opens: str, form: Form, *needed: frozenset[str]) -> Kind:
    return Kind(_opening(opens), _header, "", partial(headers.load, form), form, needed)


_REST = re.compile(r"[ \t]*(?:\n|\Z)")
_DASHES = partial(_until, re.compile(r"\n---[ \t]*(?=\n|\Z)"))
_DASHES_OR_DOTS = partial(_until, re.compile(r"\n(?:---|\.\.\.)[ \t]*(?=\n|\Z)"))
_PLUSES = partial(_until, re.compile(r"\n\+\+\+[ \t]*(?=\n|\Z)"))
_DASHED = "a line `---` after the fields"

_DATES = frozenset(("date", "published", "pubdate", "publishdate", "publisheddatetime"))
_TITLE = frozenset(("title",))


def _opening(pattern: str) -> re.Pattern[bytes]:
    """A pattern for the first bytes. In it, `EOL` is the end of a line, `LINE` the rest of one with its end, `BLANK` a
    blank line, `NAME` that of a field with its colon, and `MORE` the indented lines below a field.
    """
    for name, part in _OPENINGS.items():
        pattern = pattern.replace(name, part)
    return re.compile(pattern.encode(), re.IGNORECASE)


_OPENINGS = {
    "MORE": r"(?:[ \t]++[^\s]LINE)*+",
    "NAME": r"[A-Za-z][\w -]*+:(?=[ \t\r\n]|\Z)",
    "MARKS": r"[!-/:-@\[-`{-~]",
    "BLANK": r"(?:[ \t]*+(?:\r\n|\r|\n))",
    "LINE": r"(?:[^\r\n]*+EOL)",
    "EOL": r"(?:\r\n|\r|\n|\Z)",
}

KINDS = (
    Kind(_opening(r"---[ \t]*(?=EOL)"), _DASHES_OR_DOTS, _DASHED, tree.load),
    Kind(_opening(r"\+\+\+[ \t]*(?=EOL)"), _PLUSES, "a line `+++` after the fields", _toml),
    Kind(_opening(r'\{(?=\s*")'), _object, "a `}` after the fields", _json),
    Kind(_opening(r"---[ \t]*ya?ml[ \t]*(?=EOL)"), _DASHES_OR_DOTS, _DASHED, tree.load),
    Kind(_opening(r"---[ \t]*toml[ \t]*(?=EOL)"), _DASHES, _DASHED, _toml),
    Kind(_opening(r"---[ \t]*json[ \t]*(?=EOL)"), _DASHES, _DASHED, _json),
    _header_kind(r"(?:NAMELINEMORE)++(?=[ \t]*+EOL)", headers.KEYED, _TITLE, _DATES),
    _header_kind(
        r"(?:<!--[ \t]*+EOL)?(?:BLANK*+\.\.[ \t]++NAMELINE)++(?:BLANK*+-->[ \t]*+EOL)?",
        *(headers.COMMENTED, _TITLE, _DATES),
    ),
    _header_kind(
        r"(?::PROPERTIES:[ \t]*+EOL(?::[^\s:]+:LINE)*?:END:[ \t]*+EOL)?(?:BLANK*+#\+[\w-]++(?:\[\])?:LINE)++",
        *(headers.ORG, _TITLE),
    ),
    _header_kind(
        r"(?:(MARKS)\1{2,}+[ \t]*+EOL)?[^\s:]LINE(MARKS)\2{2,}+[ \t]*+EOLBLANK*+(?::NAMELINEMORE)++",
        *(headers.DOCINFO, _DATES),
    ),
)
"""All kinds of front matter, the most usual first."""

_EOL = re.compile(rb"\r\n|\r|\n")
_ALMOST = _opening(
    r"(?:\xef\xbb\xbf)?(?:BLANK|<!--(?:[^-]|-(?!->))*+-->)*+[ \t]*+(?P<fence>---(?!-)|\+\+\+(?!\+))"
    r"(?P<rest>[^\r\n]*+)EOL(?:(?![ \t]*+(?:---|\+\+\+|title[ \t]*+[:=]))LINE(?<=[\r\n])){0,50}+[ \t]*+title[ \t]*+[:=]"
)

_OPENING_ELSEWHERE = tuple(
    opening.encode(encoding)
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    for opening in ("---", "\ufeff---", "+++", "\ufeff+++")
)
