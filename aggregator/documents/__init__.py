"""Reading: from a document on disk to what it says of articles, and what is wrong with it.

file ── contents ──▶ bytes ── split ──▶ front matter, body ── load ──▶ fields ── read_fields ──▶ mentions
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from aggregator.documents.fields import UNREAD, addresses, given
from aggregator.documents.files import contents, fingerprint
from aggregator.documents.front import Parts, almost, split
from aggregator.documents.kinds import MAX_EXCERPT, MAX_TITLE
from aggregator.documents.mentions import (
    Body,
    lead_mention,
    links_of,
    related_mentions,
    respelled,
    with_canonical,
    with_made,
)
from aggregator.documents.names import Given, is_written
from aggregator.documents.notes import Notes
from aggregator.documents.options import Options
from aggregator.errors import ParseError
from aggregator.model import Mention, Problem
from aggregator.text.html import as_written, from_markdown, is_page, sanitised
from aggregator.text.plain import cut, plain
from aggregator.text.visible import Bounds

__all__ = ["Bounds", "Options", "Outcome", "Reading", "digest", "read", "respelled"]

_HEADING = re.compile(r"<(h[1-6])\b[^>]*>(.*?)</\1>", re.DOTALL)
_MORE = re.compile(r"<!--[ \t]*more[ \t]*-->", re.IGNORECASE)
_HTML = (".html", ".htm", ".xhtml")
_OTHER_MARKUP = (".org", ".rst", ".adoc", ".asciidoc")  # shown as it is written


class Outcome(StrEnum):
    """What became of a document; `skipped` is a file that doesn't open with front matter."""

    read = "read"
    failed = "failed"
    skipped = "skipped"


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of reading a document once.

    `digest` tells versions of its bytes apart; it is b"" for bytes that couldn't all be read. `mentions` has the
    lead first, and is empty unless the outcome is `read`. A failed document has at least one problem.
    """

    outcome: Outcome
    digest: bytes
    mentions: tuple[Mention, ...] = ()
    problems: tuple[Problem, ...] = ()


def read(file: str, path: str, source: int, options: Options) -> Reading:
    """Read the document in `file`; `path` is its name in mentions and problems, `source` its source's position."""
    digest = b""
    notes = Notes(path, options)
    try:
        data = contents(file, options.limit)
        digest = fingerprint(data)
        parts = split(data)
        if parts is None:
            if slip := almost(data):
                notes.warning(slip)
            return Reading(Outcome.skipped, digest, (), notes.problems())
        mentions = _mentions(parts, source, options, notes)
    except ParseError as error:
        notes.error(error)
    if notes.failed:
        return Reading(Outcome.failed, digest, (), notes.problems())
    return Reading(Outcome.read, digest, mentions, notes.problems())


def digest(file: str, limit: int) -> bytes:
    """The digest that `read` would give for the file as it is now; b"" where it can't be read whole."""
    try:
        return fingerprint(contents(file, limit))
    except ParseError:
        return b""


def _mentions(parts: Parts, source: int, options: Options, notes: Notes) -> tuple[Mention, ...]:
    """What a document says of articles, its own first; () where it can't be used."""
    root = parts.load(parts.front, parts.line, UNREAD, notes.warning)
    fields = {} if root.value is None else root.value
    if type(fields) is not dict:
        raise ParseError("front matter without fields, expected lines such as `title: ...`", root.line, root.column)
    said = given(fields, options.fields)
    urls = addresses(said, notes)
    urls = with_canonical(with_made(urls, fields, said, options, notes))
    notes.about(next(iter(links_of(urls)), ""))
    lead = lead_mention(said, urls, source, _body(parts, said, notes), options, notes)
    related = said["related"][0][1] if "related" in said else None
    coverage = related_mentions(related, source, options, notes) if related and related.value else []
    if not lead:
        return ()
    return (_spread(lead, parts, options, notes), *coverage)


def _spread(lead: Mention, parts: Parts, options: Options, notes: Notes) -> Mention:
    """The lead mention; where the feeds of all its topics would have too much of it together, without its body, and
    where that isn't enough, with fewer topics.
    """
    feeds = len(lead.topics) + 1
    size = (len(parts.front) + len(lead.body)) * feeds
    if size <= options.spread:
        return lead
    message = f"{size} characters in {feeds} feeds together, expected at most {options.spread}"
    notes.warning(_left_out(parts, message))
    most = max(1, options.spread // len(parts.front) - 1)
    if len(lead.topics) > most:
        message = f"{message}: the first {most} topics count"
        notes.warning(ParseError(message, parts.line, 1))
    return replace(lead, body="", topics=lead.topics[:most])


def _body(parts: Parts, said: Given, notes: Notes) -> Body:
    """The body, with what takes the place of fields that the document lacks; empty where there is none."""
    if not parts.body or parts.body.isspace():
        return Body()
    try:
        html = _sanitised(parts.body, notes)
        more = None if is_written(said, "excerpt") else _MORE.search(parts.body)
        before = _sanitised(parts.body[: more.start()], notes) if more else ""
    except ParseError as error:
        notes.warning(_left_out(parts, error.message))
        return Body()
    heading = None if is_written(said, "title") else _HEADING.search(html)
    title = cut(plain(heading[2]), MAX_TITLE) if heading else ""
    return Body(html, title, cut(plain(_HEADING.sub("", before)), MAX_EXCERPT))


def _sanitised(text: str, notes: Notes) -> str:
    html, name = text, notes.path.lower()
    if name.endswith(_OTHER_MARKUP):
        html = as_written(html)
    elif not (name.endswith(_HTML) or is_page(html)):
        html = from_markdown(html, 2 * notes.options.body.characters)
    return sanitised(html, notes.base, notes.options.body, notes.root)


def _left_out(parts: Parts, why: str) -> ParseError:
    """What to tell where the body is left out: at its first line."""
    return ParseError(f"body left out: {why}", parts.below, 1)
